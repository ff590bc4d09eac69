package session_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"nexus/localstack/clock"
	"nexus/localstack/dynamo"
	"nexus/localstack/gateway"
	"nexus/localstack/queue"
	"nexus/localstack/stack"
	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/session"
	"nexus/pkg/store"
	"nexus/pkg/timer"
	"nexus/pkg/user"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

const (
	stage = "v1"
	node  = "0123abcd"
)

// bench is sessions and users on the local engines, at a time that stands still.
type bench struct {
	t        *testing.T
	ctx      context.Context
	clock    *clock.Manual
	gateway  *gateway.Gateway
	sessions *session.Sessions
	users    *user.Users

	mu     sync.Mutex
	ids    int
	lose   string                 // the operation whose next response is lost
	before func(operation string) // runs ahead of each request to the tables
	asked  int                    // GetConnection requests
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, ctx: t.Context(), clock: clock.NewManual(start)}
	engine := dynamo.New(dynamo.Config{Clock: b.clock})
	t.Cleanup(engine.Close)
	queues := queue.New(queue.Config{Clock: b.clock})
	b.gateway = gateway.New(gateway.Config{Stages: []string{stage}, Clock: b.clock, NewID: b.id,
		Invoke: func(context.Context, string, []byte) ([]byte, error) { return nil, errors.New("there are no routes") }})
	config := func(rt http.RoundTripper) aws.Config {
		return aws.Config{Region: stack.Region, Credentials: credentials.NewStaticCredentialsProvider("id", "secret", ""),
			HTTPClient: &http.Client{Transport: rt}, Retryer: func() aws.Retryer {
				return retry.NewStandard(func(o *retry.StandardOptions) {
					o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
				})
			}}
	}
	tables := dynamodb.NewFromConfig(config(roundTrip(func(r *http.Request) (*http.Response, error) { return b.faulty(engine, r) })))
	if err := stack.CreateTables(b.ctx, tables, ""); err != nil {
		t.Fatal(err)
	}
	client := sqs.NewFromConfig(config(queues))
	made, err := client.CreateQueue(b.ctx, &sqs.CreateQueueInput{QueueName: aws.String("timer")})
	if err != nil {
		t.Fatal(err)
	}
	pause := func(context.Context, int) error { return nil }
	db := store.New(tables, "", pause)
	post := deliver.New(pause)
	post.Add(deliver.Node{ID: node, Stage: stage}, apigatewaymanagementapi.NewFromConfig(config(roundTrip(b.manage)),
		func(o *apigatewaymanagementapi.Options) { o.BaseEndpoint = aws.String("http://gateway/" + stage) }))
	b.users = &user.Users{DB: db, Now: b.clock.Now, NewID: b.id,
		Passwords: user.NewHasher(user.Cost{Memory: 8, Passes: 1, Parallelism: 1}, 1, func() []byte { return make([]byte, 16) })}
	b.sessions = &session.Sessions{DB: db, Timer: timer.New(client, aws.ToString(made.QueueUrl)), Post: post, Users: b.users,
		Rows: &call.Rows{DB: db, Now: b.clock.Now, ULID: func(at time.Time) string { return fmt.Sprintf("%013d", at.UnixMilli()) }},
		Log:  slog.New(slog.DiscardHandler), Now: b.clock.Now, Chores: time.Second}
	return b
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// faulty is the way to the tables.
func (b *bench) faulty(engine *dynamo.Engine, r *http.Request) (*http.Response, error) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	b.mu.Lock()
	before, lost := b.before, b.lose == operation
	if lost {
		b.lose = ""
	}
	b.mu.Unlock()
	if before != nil {
		before(operation)
	}
	response, err := engine.RoundTrip(r)
	if lost && err == nil {
		return nil, io.ErrUnexpectedEOF
	}
	return response, err
}

// manage is the way to the @connections API.
func (b *bench) manage(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		b.mu.Lock()
		b.asked++
		b.mu.Unlock()
	}
	return b.gateway.RoundTrip(r)
}

// hook sets what runs ahead of the next request of an operation.
func (b *bench) hook(operation string, f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before = func(o string) {
		if o == operation {
			b.mu.Lock()
			b.before = nil
			b.mu.Unlock()
			f()
		}
	}
}

func (b *bench) loseNext(operation string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lose = operation
}

func (b *bench) id() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ids++
	return fmt.Sprintf("id-%03d", b.ids)
}

// deaf is a client that reads nothing.
type deaf struct{}

func (deaf) Send([]byte) error { return nil }
func (deaf) Close(int, string) {}

// connect opens a connection and its session.
func (b *bench) connect() (connid string, conn *gateway.Conn) {
	b.t.Helper()
	conn, err := b.gateway.Connect(b.ctx, stage, gateway.ConnectRequest{SourceIP: "10.0.0.1"}, deaf{})
	if err != nil {
		b.t.Fatal(err)
	}
	connid = node + conn.ID()
	if err := b.sessions.Connect(b.ctx, connid, "10.0.0.1"); err != nil {
		b.t.Fatal(err)
	}
	return connid, conn
}

// call is a new request of a connection.
func (b *bench) call(connid string) *call.Call {
	return &call.Call{Connid: connid, Request: b.id(), IP: "10.0.0.1"}
}

func (b *bench) login(connid, params string) (jsonrpc.Outcome, error) {
	p := jsonrpc.ReadParams([]byte(params))
	in := session.ReadLogin(p)
	if err := p.Err(); err != nil {
		return "", err
	}
	return b.sessions.Login(b.ctx, b.call(connid), in)
}

// as logs in a user whose password is its name.
func (b *bench) as(connid, name string) {
	b.t.Helper()
	if _, err := b.login(connid, `{"user":"`+name+`","pass":"`+name+`"}`); err != nil {
		b.t.Fatal(err)
	}
}

// user makes a user whose password is its name.
func (b *bench) user(name, tags string) {
	b.t.Helper()
	if _, err := b.users.Create(b.ctx, b.call(""), user.Create{User: name, Pass: name}); err != nil {
		b.t.Fatal(err)
	}
	b.set(name, "tags", store.S(tags))
}

// set writes an attribute of a user.
func (b *bench) set(name, attribute string, value types.AttributeValue) {
	b.t.Helper()
	_, err := b.users.DB.Do(b.ctx, store.Write{Table: store.Users, Key: store.Item{"user": store.S(name)}, Update: "SET #" + attribute + " = :v",
		If: "attribute_exists(#user)", Values: store.Item{":v": value}})
	if err != nil {
		b.t.Fatal(err)
	}
}

// table is every session, a line each, without the request that last wrote it.
func (b *bench) table() string {
	b.t.Helper()
	items, next, err := b.sessions.DB.Scan(b.ctx, store.Query{Table: store.Sessions})
	if err != nil || next != nil {
		b.t.Fatal(next, err)
	}
	var lines []string
	for _, i := range items {
		lines = append(lines, fmt.Sprintf("%s %s user=%s owner=%s tags=%s wd=%d", i.Str("id"), i.Str("state"), i.Str("user"), i.Str("owner"),
			i.Str("tags"), i.Int("wd")))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (b *bench) want(lines ...string) {
	b.t.Helper()
	if got, want := b.table(), strings.Join(lines, "\n"); got != want {
		b.t.Errorf("sessions\n%s\nwant\n%s", got, want)
	}
}

func nobody(connid string) string { return connid + " live user=nobody owner= tags={} wd=90" }

func loggedIn(connid, name, tags string) string {
	return connid + " live user=" + name + " owner=" + name + " tags=" + tags + " wd=90"
}

// fails checks for an error of the protocol.
func (b *bench) fails(err error, code jsonrpc.Code, detail string) {
	b.t.Helper()
	want := jsonrpc.Err(code, detail)
	if e, ok := errors.AsType[*jsonrpc.Error](err); !ok || e.Code != want.Code || e.Message != want.Message {
		b.t.Errorf("error %v, want %v", err, want)
	}
}
