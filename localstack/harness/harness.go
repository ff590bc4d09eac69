package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"nexus/localstack/clock"
	"nexus/localstack/stack"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"
	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Start is when every test begins.
func Start() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// Harness is the bus of one test. It is safe for concurrent use.
type Harness struct {
	// Bus is the bus as the functions share it. A test may set the exported fields of its families before it uses them.
	Bus *nexus.Bus
	// DB is a way to the tables that is not the bus': nothing goes wrong on it, and On does not see it.
	DB *store.DB

	t     *testing.T
	clock *clock.Manual
	stack *stack.Stack
	wire  wire

	mu    sync.Mutex
	ids   int
	dying context.Context // of the next handler, where it is to die
}

// New starts a bus with empty tables; it ends with the test.
func New(t *testing.T) *Harness {
	t.Helper()
	h := &Harness{t: t, clock: clock.NewManual(Start())}
	h.wire.now = h.clock.Now
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	pause := func(context.Context, int) error { return nil }
	var err error
	h.stack, err = stack.Start(t.Context(), stack.Config{
		Clock: still{h.clock}, Log: log, NewID: h.shortID, Manual: true, Retryer: attempts, Invoke: deafToEnds,
		Chances: &nexus.Chances{Now: h.clock.Now, NewID: h.NewID, ULID: handler.FirstULID, Float: func() float64 { return 0 },
			Salt: func() []byte { return []byte("sixteen bytes!!!") }, Pause: pause,
			Sleep: func(context.Context, time.Duration) error { return nil }},
		Adjust: func(s *nexus.Settings) {
			s.LoginWithin = 0 // each connection would leave a message; a test may set its sessions' own
			// What tests are about does not depend on the cost.
			s.PasswordCost.Memory, s.PasswordCost.Passes, s.PasswordCost.Parallelism = 8, 1, 1
		},
		Wire: func(next http.RoundTripper) http.RoundTripper {
			h.wire.next = next
			return &h.wire
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.stack.Close(); err != nil {
			t.Error(err)
		}
		h.wire.check(t)
	})
	h.Bus = h.stack.Bus
	h.DB = store.New(dynamodb.New(dynamodb.Options{Region: stack.Region, HTTPClient: &http.Client{Transport: h.stack.Engine},
		BaseEndpoint: aws.String("http://local.invalid"), Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}),
		stack.TablePrefix, pause)
	h.empty(store.Users, "user") // of the first start
	h.wire.begin()
	return h
}

// attempts are the functions' own, without waiting between them.
func attempts() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.RateLimiter = handler.Attempts, ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
}

// deafToEnds loses every $disconnect event.
func deafToEnds(next stack.Invoke) stack.Invoke {
	return func(ctx context.Context, function string, payload []byte) ([]byte, error) {
		var e struct{ RequestContext struct{ EventType string } }
		if json.Unmarshal(payload, &e) == nil && e.RequestContext.EventType == "DISCONNECT" {
			return []byte(`{"statusCode":200}`), nil
		}
		return next(ctx, function, payload)
	}
}

// still is a clock that calls nobody back.
type still struct{ *clock.Manual }

// AfterFunc implements clock.Clock.
func (still) AfterFunc(time.Duration, func()) (stop func() bool) { return func() bool { return true } }

// Now is where time stands.
func (h *Harness) Now() time.Time { return h.clock.Now() }

// Advance moves time. Nothing else happens.
func (h *Harness) Advance(d time.Duration) { h.clock.Advance(d) }

// NewID returns a ulid of the time that stands, greater than all before.
func (h *Harness) NewID() string {
	return fmt.Sprintf("%.10s%016d", handler.FirstULID(h.clock.Now()), h.count())
}

// shortID names what the emulated services name.
func (h *Harness) shortID() string { return fmt.Sprintf("id%04d", h.count()) }

func (h *Harness) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ids++
	return h.ids
}

// Table returns all items of a table, in the order of their keys where the table has a sort key and in any other order else.
func (h *Harness) Table(name string) []store.Item {
	h.t.Helper()
	var all []store.Item
	q := store.Query{Table: name}
	for {
		items, next, err := h.DB.Scan(h.t.Context(), q)
		if err != nil {
			h.t.Fatal(err)
		}
		all = append(all, items...)
		if q.Start = next; next == nil {
			return all
		}
	}
}

func (h *Harness) empty(table, key string) {
	h.t.Helper()
	for _, i := range h.Table(table) {
		if _, err := h.DB.Do(h.t.Context(), store.Write{Table: table, Key: store.Item{key: i[key]}}); err != nil {
			h.t.Fatal(err)
		}
	}
}
