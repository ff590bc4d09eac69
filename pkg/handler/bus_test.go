package handler_test

import (
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"

	"nexus/localstack/gateway"
	"nexus/localstack/stack"
	"nexus/pkg/deliver"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"
	"nexus/pkg/user"
)

// bus is a stack in a bubble. Nothing reads its stream, queue and schedule: the tests give its functions their events.
type bus struct {
	*stack.Stack
	t *testing.T

	mu         sync.Mutex
	task       string // id of each item that is made, while it is set
	connection string // id of the next connection, if set
}

// start starts a bus that logs to log, or where log is nil into the test's log.
func start(t *testing.T, log *slog.Logger) *bus {
	t.Helper()
	if log == nil {
		log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	b := &bus{t: t}
	chances := handler.Chances()
	chances.LoadAvg = func() string { return "0.50 0.25 0.10 1/100 4711\n" }
	newID := chances.NewID
	chances.NewID = func() string {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch b.task {
		case "":
			return newID()
		case failing:
			panic("an id that cannot be made")
		}
		return b.task
	}
	connections := func() string {
		b.mu.Lock()
		defer b.mu.Unlock()
		if id := b.connection; id != "" {
			b.connection = ""
			return id
		}
		return newID()
	}
	var err error
	b.Stack, err = stack.Start(t.Context(), stack.Config{Chances: &chances, NewID: connections, Manual: true, Log: log,
		Adjust: func(set *nexus.Settings) { set.PasswordCost = user.Cost{Memory: 64, Passes: 1, Parallelism: 1} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// failing as bus.task makes the making of an id panic.
const failing = "panic"

// made makes every item that do makes have one id.
func (b *bus) made(id string, do func()) {
	b.set(&b.task, id)
	do()
	b.set(&b.task, "")
}

func (b *bus) set(field *string, value string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*field = value
}

// open opens a connection of a stage, with an id of API Gateway's if one is given.
func (b *bus) open(stage, id string) *inbox {
	b.t.Helper()
	b.set(&b.connection, id)
	in := &inbox{}
	conn, err := b.Gateway.Connect(b.t.Context(), stage, gateway.ConnectRequest{SourceIP: "192.0.2.7"}, in)
	if err != nil {
		b.t.Fatal(err)
	}
	in.conn = conn
	return in
}

// root opens a connection of root.
func (b *bus) root() *inbox {
	b.t.Helper()
	in := b.open("v0", "")
	b.login(in)
	return in
}

func (b *bus) login(in *inbox) {
	b.t.Helper()
	in.send(`{"id":"login","method":"sys.login","params":{"user":"root","pass":"root"}}`)
	if got := in.take(); len(got) != 1 {
		b.t.Fatalf("login: %v", got)
	}
}

// invoke runs a function and returns its result once all is done.
func (b *bus) invoke(function string, payload []byte) (string, error) {
	result, err := b.Invoke(b.t.Context(), function, payload)
	synctest.Wait()
	return string(result), err
}

// inbox is a client and what it was sent.
type inbox struct {
	conn *gateway.Conn

	mu       sync.Mutex
	messages []string
}

// Send implements gateway.Transport.
func (in *inbox) Send(text []byte) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.messages = append(in.messages, string(text))
	return nil
}

// Close implements gateway.Transport.
func (*inbox) Close(int, string) {}

// send sends a message and waits until all is done that it brings.
func (in *inbox) send(text string) {
	in.conn.Receive([]byte(text))
	synctest.Wait()
}

// take returns the messages that came since it was last asked.
func (in *inbox) take() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	got := in.messages
	in.messages = nil
	return got
}

// roundTripper reaches a bus's tables in process.
type roundTripper struct{ *bus }

// Do implements the SDK's HTTPClient.
func (r roundTripper) Do(request *http.Request) (*http.Response, error) {
	return r.Engine.RoundTrip(request)
}

// connid is the name of the samples' connection on the bus's node of stage v0.
func (b *bus) connid() string { return deliver.NodeID("http://local.invalid/v0") + connID }
