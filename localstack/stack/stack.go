package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"nexus/localstack/clock"
	"nexus/localstack/door"
	"nexus/localstack/dynamo"
	"nexus/localstack/gateway"
	"nexus/localstack/mapping"
	"nexus/localstack/queue"
	"nexus/pkg/nexus"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// TablePrefix stands before the names of what a deployment makes besides functions: the tables, and the queues.
const TablePrefix = "nexus-"

// The queues' names, without the prefix.
const (
	timerQueue  = "timer"
	deadLetters = "dead-letters"
)

// Config says how to start a stack. The zero value starts one that is reached in process only.
type Config struct {
	Listen       string   // address of the gateway; empty: none, port 0: a free one
	DynamoDB     string   // address at which the tables and streams are served besides; empty: none
	AllowOrigins []string // of web pages that may use both, as https://app.example; door.Any for all. The stack's own address needs no leave
	// Throttle is that of routes which have no own one (nexus.Throttles). The zero value throttles none.
	Throttle     nexus.Throttle
	RootPassword string // of the user root; "root" where empty
	Env          map[string]string
	Clock        clock.Clock // clock.Real where nil
	Log          *slog.Logger
	Runtime      Runtime                            // InProcess where empty
	Programs     string                             // for Process: a folder of what `make build` leaves, <name>/bootstrap; empty: they are built first
	Remote       Remote                             // where tables, streams and queues are, if they are not embedded
	Rights       func(function string) nexus.Rights // what each function may do; nexus.RightsOf where nil

	// For the simulation; Process has no use for those of the functions, and refuses them. Zero values are what everybody else wants.
	Chances *nexus.Chances // handler.Chances by Clock where nil
	// Environments, where set, tells in which environment an invocation runs whose context ctx descends from, and that one's time and chance. Each has a
	// bus of its own, with what that keeps in memory and with clients of AWS.
	Environments func(ctx context.Context) (n int, chances nexus.Chances)
	Tables       func(*dynamo.Config)                      // changes how the embedded tables are
	NewID        func() string                             // ids of the emulated services
	Delay        func(connectionID string) time.Duration   // as gateway.Config's
	Wire         func(http.RoundTripper) http.RoundTripper // put before the functions' requests
	Retryer      func() aws.Retryer                        // of the functions' clients
	Manual       bool                                      // nothing reads the stream, the queue and the schedule; the caller does
	Adjust       func(*nexus.Settings)
	Invoke       func(next Invoke) Invoke // put around every invocation
}

// Invoke runs a function.
type Invoke = func(ctx context.Context, function string, payload []byte) ([]byte, error)

// Stack is a running bus.
type Stack struct {
	Gateway *gateway.Gateway
	Engine  *dynamo.Engine // nil if the tables are remote
	Queues  *queue.Service // nil if the queues are remote
	Bus     *nexus.Bus     // what the functions call; by Process each has one of its own, and this one only creates the user root
	Invoke  Invoke
	// Sources is what reads the streams, the queue and the schedule.
	Sources mapping.Config
	// Env is what the functions are told, and Routes what the gateway calls them for: the deployment is held to both, and to Sources. Not to be changed.
	Env    map[string]string
	Routes map[string]gateway.Route

	// FirstStart says that this start made the user root, with Config's password. A remote engine may have one from before, whose password stays.
	FirstStart bool

	// Addr and DynamoDBAddr are where the gateway and the tables are served, empty if they are not.
	Addr, DynamoDBAddr string

	stop      context.CancelFunc
	running   sync.WaitGroup
	servers   []*http.Server
	processes processes
	pool      *http.Transport // of a remote engine
}

// Start starts a stack. Close it.
func Start(ctx context.Context, c Config) (_ *Stack, err error) {
	if c.Clock == nil {
		c.Clock = clock.Real{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.RootPassword == "" {
		c.RootPassword = "root"
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	pages, err := door.New(c.AllowOrigins, c.Log)
	if err != nil {
		return nil, fmt.Errorf("stack: %w", err)
	}
	s := &Stack{}
	starting := ctx
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if c.Runtime == Process {
		if err := s.processes.prepare(starting, c.Programs); err != nil {
			return nil, err
		}
	}
	direct := s.engines(c)
	services := config(direct, func() aws.Retryer { return retry.NewStandard() })
	base := aws.String(s.processes.endpoint())
	db := dynamodb.NewFromConfig(services, func(o *dynamodb.Options) { o.BaseEndpoint = base })
	queues := sqs.NewFromConfig(services, func(o *sqs.Options) { o.BaseEndpoint = base })
	if err := CreateTables(starting, db, c.Remote.prefix()); err != nil {
		return nil, err
	}
	timerURL, deadURL, err := createQueues(starting, queues, c.Remote)
	if err != nil {
		return nil, err
	}
	guarded := guard(c, s.processes.key, timerURL, deadURL)
	if err := s.functions(ctx, c, guarded, direct, timerURL, deadURL); err != nil {
		return nil, err
	}
	if c.Runtime == Process { // not before there is a gateway
		listener := s.processes.listener
		s.serveOn(listener, door.Closed(c.Log).Handler(listener.Addr().String(), guarded.Handler(direct)))
		s.processes.served = true
	}
	if s.Sources, err = sources(services, base, c.Remote.prefix(), timerURL, deadURL); err != nil {
		return nil, err
	}
	if s.Engine != nil {
		s.Sources.Wake = s.Engine.Notify
	}
	s.Sources.Invoke, s.Sources.Clock, s.Sources.DynamoDB, s.Sources.SQS, s.Sources.NewID = s.Invoke, c.Clock, db, queues, c.NewID
	s.Sources.OnError = func(err error) { c.Log.Error("event source", "error", err) }
	if !c.Manual {
		runner, err := mapping.New(s.Sources)
		if err != nil {
			return nil, err
		}
		s.running.Go(func() {
			if err := runner.Run(ctx); err != nil {
				c.Log.Error("event sources", "error", err)
			}
		})
	}
	if s.Addr, err = s.serve(c.Listen, pages.Handler(c.Listen, s.Gateway)); err != nil {
		return nil, err
	}
	if s.Engine != nil {
		s.DynamoDBAddr, err = s.serve(c.DynamoDB, pages.Handler(c.DynamoDB, s.Engine))
	}
	return s, err
}

// engines makes those that are embedded, and returns the way to all.
func (s *Stack) engines(c Config) *wire {
	w := &wire{gateway: func() *gateway.Gateway { return s.Gateway }}
	if c.Remote.Endpoint != "" {
		tables, streams, queues := c.Remote.services()
		w.tables, w.streams, w.queues = tables, streams, queues
		s.pool = tables.pool
	} else {
		tables := dynamo.Config{Clock: c.Clock, Region: Region}
		if c.Tables != nil {
			c.Tables(&tables)
		}
		s.Engine = dynamo.New(tables)
		w.tables, w.streams = s.Engine, s.Engine
	}
	if c.Remote.Endpoint == "" || c.Remote.EmbeddedQueue {
		s.Queues = queue.New(queue.Config{Clock: c.Clock, Region: Region, Account: Account, NewID: c.NewID})
		w.queues = s.Queues
	}
	return w
}

func (s *Stack) serve(addr string, h http.Handler) (string, error) {
	if addr == "" {
		return "", nil
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	s.serveOn(l, h)
	return l.Addr().String(), nil
}

func (s *Stack) serveOn(l net.Listener, h http.Handler) {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	s.servers = append(s.servers, server)
	s.running.Go(func() { _ = server.Serve(l) }) // it ends by Close
}

// Close ends the stack: its connections, its functions, its servers.
func (s *Stack) Close() error {
	var failed []error
	if s.Gateway != nil {
		s.Gateway.Close()
	}
	s.stop()
	s.processes.close()
	for _, server := range s.servers {
		failed = append(failed, server.Close())
	}
	s.running.Wait()
	if s.Engine != nil {
		s.Engine.Close()
	}
	if s.pool != nil {
		s.pool.CloseIdleConnections()
	}
	failed = append(failed, s.processes.remove())
	return errors.Join(failed...)
}
