package stack

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"nexus/localstack/clock"
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

// The names of what a deployment makes besides functions.
const (
	TablePrefix = "nexus-"
	timerQueue  = "nexus-timer"
	deadLetters = "nexus-dead-letters"
)

// Config says how to start a stack. The zero value starts one that is reached in process only.
type Config struct {
	Listen       string // address of the gateway; empty: none, port 0: a free one
	DynamoDB     string // address at which the tables and streams are served besides; empty: none
	RootPassword string // of the user root; "root" where empty
	Env          map[string]string
	Clock        clock.Clock // clock.Real where nil
	Log          *slog.Logger
	Runtime      Runtime // InProcess where empty
	Programs     string  // for Process: the folder of built functions, <name>/bootstrap as `make build` leaves them; empty: they are built first

	// For the simulation; Process has no use for those of the functions, and refuses them. Zero values are what everybody else wants.
	Chances *nexus.Chances                            // handler.Chances by Clock where nil
	NewID   func() string                             // ids of the emulated services
	Delay   func(connectionID string) time.Duration   // as gateway.Config's
	Wire    func(http.RoundTripper) http.RoundTripper // put before the functions' requests
	Retryer func() aws.Retryer                        // of the functions' clients
	Manual  bool                                      // nothing reads the stream, the queue and the schedule; the caller does
	Adjust  func(*nexus.Settings)
	Invoke  func(next Invoke) Invoke // put around every invocation
}

// Invoke runs a function.
type Invoke = func(ctx context.Context, function string, payload []byte) ([]byte, error)

// Stack is a running bus.
type Stack struct {
	Gateway *gateway.Gateway
	Engine  *dynamo.Engine
	Queues  *queue.Service
	Bus     *nexus.Bus // what the functions call; by Process each has one of its own, and this one only creates the user root
	Invoke  Invoke
	// Sources is what reads the streams, the queue and the schedule.
	Sources mapping.Config

	// Addr and DynamoDBAddr are where the gateway and the tables are served, empty if they are not.
	Addr, DynamoDBAddr string

	stop      context.CancelFunc
	running   sync.WaitGroup
	servers   []*http.Server
	processes processes
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
	s.Engine = dynamo.New(dynamo.Config{Clock: c.Clock, Region: Region})
	s.Queues = queue.New(queue.Config{Clock: c.Clock, Region: Region, Account: Account, NewID: c.NewID})
	direct := &wire{engine: s.Engine, queues: s.Queues, gateway: func() *gateway.Gateway { return s.Gateway }}
	services := config(direct, func() aws.Retryer { return retry.NewStandard() })
	base := aws.String(s.processes.endpoint())
	db := dynamodb.NewFromConfig(services, func(o *dynamodb.Options) { o.BaseEndpoint = base })
	queues := sqs.NewFromConfig(services, func(o *sqs.Options) { o.BaseEndpoint = base })
	if err := CreateTables(ctx, db, TablePrefix); err != nil {
		return nil, err
	}
	timerURL, deadURL, err := createQueues(ctx, queues)
	if err != nil {
		return nil, err
	}
	if err := s.functions(ctx, c, direct, timerURL); err != nil {
		return nil, err
	}
	if c.Runtime == Process { // not before there is a gateway
		s.serveOn(s.processes.listener, direct)
		s.processes.served = true
	}
	s.Sources = sources(services, base, timerURL, deadURL)
	s.Sources.Wake = s.Engine.Notify
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
	if s.Addr, err = s.serve(c.Listen, s.Gateway); err != nil {
		return nil, err
	}
	s.DynamoDBAddr, err = s.serve(c.DynamoDB, s.Engine)
	return s, err
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
	failed = append(failed, s.processes.remove())
	return errors.Join(failed...)
}
