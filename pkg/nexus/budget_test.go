package nexus_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/gateway"
	"nexus/localstack/mapping"
	"nexus/localstack/stack"
	"nexus/pkg/nexus"
	"nexus/pkg/store"
	"nexus/pkg/user"
)

// hop is how long every request to AWS takes in a metered bus: a chain of n requests, one after another, takes n hops.
const hop = 100 * time.Millisecond

// units are write and strong read units, as DynamoDB bills them.
type units struct{ W, R float64 }

// billed is what a story costs besides: messages over API Gateway, both ways, invocations, and requests to the queue.
type billed struct{ messages, invocations, queued float64 }

// Dollars per million: prices of us-east-1 in November 2026, API Gateway's per message of up to 32 KB, Lambda's for 10 ms of 256 MB on arm64.
const (
	perMessage    = 1.00
	perInvocation = 0.20 + 1e6*0.010*0.256*0.0000133334
	perQueued     = 0.40
	perW, perR    = 0.625, 0.125
)

// perMillion is what a million of a story cost, in dollars, logs and connection-minutes left out.
func (b billed) perMillion(u units) float64 {
	return b.messages*perMessage + b.invocations*perInvocation + b.queued*perQueued + u.W*perW + u.R*perR
}

// metered is a bus in a bubble that tells what each call of the protocol costs. Only calls run on it: nothing reads its stream, queue and schedule.
type metered struct {
	*stack.Stack
	t      *testing.T
	shards []*mapping.Shard // of publications

	mu    sync.Mutex
	costs map[string]units // by method, since the last reset
	bill  billed           // since then, too
}

func newMetered(t *testing.T) *metered {
	t.Helper()
	m := &metered{t: t, costs: map[string]units{}}
	var err error
	m.Stack, err = stack.Start(t.Context(), stack.Config{Manual: true, Invoke: m.invoke, Wire: m.wire,
		Log:    slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Adjust: func(set *nexus.Settings) { set.PasswordCost = user.Cost{Memory: 64, Passes: 1, Parallelism: 1} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// invoke meters an invocation by itself and adds its cost to its method's.
func (m *metered) invoke(next stack.Invoke) stack.Invoke {
	return func(ctx context.Context, function string, payload []byte) ([]byte, error) {
		var event struct{ RequestContext struct{ RouteKey string } }
		if err := json.Unmarshal(payload, &event); err != nil {
			return nil, err
		}
		var meter store.Meter
		result, err := next(store.WithMeter(ctx, &meter), function, payload)
		w, r := meter.Units()
		m.mu.Lock()
		defer m.mu.Unlock()
		name := event.RequestContext.RouteKey
		m.costs[name] = units{m.costs[name].W + w, m.costs[name].R + r}
		m.bill.invocations++
		if name != "" { // of a message that came; what came by a stream is for nothing
			m.bill.messages++
		}
		return result, err
	}
}

// spent returns what was spent since it was last asked: by method, in all, and what is billed besides.
func (m *metered) spent() (by map[string]units, all units, bill billed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	by, m.costs = m.costs, map[string]units{}
	bill, m.bill = m.bill, billed{}
	for _, u := range by {
		all.W, all.R = all.W+u.W, all.R+u.R
	}
	return by, all, bill
}

// wire makes the response of each request come a hop later, and bills posts and messages to the queue.
func (m *metered) wire(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		m.mu.Lock()
		switch {
		case strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AmazonSQS"):
			m.bill.queued += 3 // it is sent, received and deleted
		case r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/@connections/"):
			m.bill.messages++
		}
		m.mu.Unlock()
		response, err := next.RoundTrip(r)
		<-time.After(hop)
		return response, err
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// client is a connection of root and what came over it, with the time.
type client struct {
	conn *gateway.Conn

	mu  sync.Mutex
	got []arrival
}

type arrival struct {
	text string
	at   time.Time
}

// Send implements gateway.Transport.
func (c *client) Send(text []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, arrival{string(text), time.Now()})
	return nil
}

// Close implements gateway.Transport.
func (*client) Close(int, string) {}

func (m *metered) connect() *client {
	m.t.Helper()
	c := &client{}
	var err error
	if c.conn, err = m.Gateway.Connect(m.t.Context(), nexus.V0, gateway.ConnectRequest{SourceIP: "192.0.2.7"}, c); err != nil {
		m.t.Fatal(err)
	}
	c.send(`{"id":"login","method":"sys.login","params":{"user":"root","pass":"root"}}`)
	m.answered(c, "login")
	return c
}

// send sends a message and waits until all is done that it brings.
func (c *client) send(text string) (sent time.Time) {
	sent = time.Now()
	c.conn.Receive([]byte(text))
	<-time.After(time.Second)
	synctest.Wait()
	return sent
}

// answered returns the answer to a request and when it came.
func (m *metered) answered(c *client, id string) (result string, at time.Time) {
	m.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	n := slices.IndexFunc(c.got, func(a arrival) bool { return strings.HasPrefix(a.text, `{"jsonrpc":"2.0","id":"`+id+`","result":`) })
	if n < 0 {
		m.t.Fatalf("no answer to %s: %v", id, c.got)
	}
	return c.got[n].text, c.got[n].at
}

// since is how long after a moment an answer came.
func (m *metered) since(moment time.Time, c *client, id string) time.Duration {
	m.t.Helper()
	_, at := m.answered(c, id)
	return at.Sub(moment)
}

// pipe creates a pipe that costs nothing, and returns its id.
func (m *metered) pipe(c *client) string {
	m.t.Helper()
	c.send(`{"id":"pipe","method":"pipe.create"}`)
	answer, _ := m.answered(c, "pipe")
	var a struct{ Result struct{ Pipeid string } }
	if err := json.Unmarshal([]byte(answer), &a); err != nil || a.Result.Pipeid == "" {
		m.t.Fatalf("%s: %v", answer, err)
	}
	m.spent()
	return a.Result.Pipeid
}

// taskid is the id in a pull's answer.
func (m *metered) taskid(answer string) string {
	m.t.Helper()
	var a struct{ Result struct{ Taskid string } }
	if err := json.Unmarshal([]byte(answer), &a); err != nil || a.Result.Taskid == "" {
		m.t.Fatalf("%s: %v", answer, err)
	}
	return a.Result.Taskid
}

const (
	push = `{"id":"push","method":"task.push","params":{"method":"demo.add","params":{"a":1,"b":2}}}`
	pull = `{"id":"pull","method":"task.pull","params":{"prefix":"demo"}}`
)

// budget is what the architecture allows a story, and how to play it: it returns, by name, how many hops answers took.
type budget struct {
	name string
	units
	play func(m *metered, a, b *client) map[string]time.Duration
}

func budgets() []budget {
	return []budget{
		{"sys.ping", units{0, 0}, func(m *metered, a, _ *client) map[string]time.Duration {
			sent := a.send(`{"id":"ping","method":"sys.ping"}`)
			_, at := m.answered(a, "ping")
			return map[string]time.Duration{"sys.ping": at.Sub(sent)}
		}},
		{"sync.lock", units{1, 1}, func(m *metered, a, _ *client) map[string]time.Duration {
			return map[string]time.Duration{"sync.lock": m.took(a, "lock", a)}
		}},
		{"sync.lock, sync.unlock", units{2, 2}, func(m *metered, a, _ *client) map[string]time.Duration {
			m.took(a, "lock", a)
			return map[string]time.Duration{"sync.unlock": m.took(a, "unlock", a)}
		}},
		// Beside the look at the holder's session and at its connection: the note that it was looked at.
		{"sync.lock of what another holds", units{3, 3}, func(m *metered, a, b *client) map[string]time.Duration {
			m.took(a, "lock", a)
			sent := b.send(request("lock", a))
			return map[string]time.Duration{"sync.lock that is refused": m.refused(b, "lock").Sub(sent)}
		}},
		{"sync.lock of what a session held that ended", units{4, 3}, func(m *metered, a, b *client) map[string]time.Duration {
			m.took(a, "lock", a)
			connid, err := m.Bus.Sessions.Post.Connid(nexus.V0, a.conn.ID())
			if err == nil {
				err = m.Bus.Sessions.End(m.t.Context(), connid, true)
			}
			if err != nil {
				m.t.Fatal(err)
			}
			return map[string]time.Duration{"sync.lock that takes over": m.took(b, "lock", a)}
		}},
		{"task.pull waits, task.push, task.result", units{8, 8}, func(m *metered, worker, pusher *client) map[string]time.Duration {
			worker.send(pull)
			pushed := pusher.send(push)
			answer, handed := m.answered(worker, "pull")
			took := m.finish(worker, pusher, answer)
			took["task.push to its worker"] = handed.Sub(pushed)
			return took
		}},
		{"task.push waits, task.pull, task.result", units{8, 8}, func(m *metered, worker, pusher *client) map[string]time.Duration {
			pusher.send(push)
			pulled := worker.send(pull)
			answer, handed := m.answered(worker, "pull")
			took := m.finish(worker, pusher, answer)
			took["task.pull of a task that waits"] = handed.Sub(pulled)
			return took
		}},
		{"pipe.read waits, pipe.write", units{3, 4}, func(m *metered, reader, writer *client) map[string]time.Duration {
			pipeid := m.pipe(reader)
			reader.send(`{"id":"read","method":"pipe.read","params":{"pipeid":"` + pipeid + `","timeout":50}}`)
			wrote := writer.send(`{"id":"write","method":"pipe.write","params":{"pipeid":"` + pipeid + `","msg":{"a":1,"b":2}}}`)
			return map[string]time.Duration{"pipe.write": m.since(wrote, writer, "write"), "pipe.write to its read": m.since(wrote, reader, "read")}
		}},
		{"pipe.write, pipe.read", units{4, 4}, func(m *metered, reader, writer *client) map[string]time.Duration {
			pipeid := m.pipe(reader)
			wrote := writer.send(`{"id":"write","method":"pipe.write","params":{"pipeid":"` + pipeid + `","multi":true,"msg":[1,2,3,4,5,6,7,8,9]}}`)
			read := reader.send(`{"id":"read","method":"pipe.read","params":{"pipeid":"` + pipeid + `","max":100}}`)
			return map[string]time.Duration{"pipe.write": m.since(wrote, writer, "write"), "pipe.read": m.since(read, reader, "read")}
		}},
		{"topic.pub", units{1, 1}, func(m *metered, publisher, _ *client) map[string]time.Duration {
			return map[string]time.Duration{"topic.pub": m.publish(publisher, `{"a":1,"b":2}`)}
		}},
		// The long message is a row of its own, of 5 KB.
		{"topic.pub of 5 KB", units{6, 1}, func(m *metered, publisher, _ *client) map[string]time.Duration {
			return map[string]time.Duration{"topic.pub of 5 KB": m.publish(publisher, `"`+strings.Repeat("x", 5000)+`"`)}
		}},
		// Beside the cursor and the subscriptions to demo.a, demo.*, demo.a.* and *: of each pipe its state before and after (a is its publisher's own).
		{"topic.pub to two pipes, one of them read", units{1 + 2*2, 1 + 1 + 4 + 2*2}, func(m *metered, reader, publisher *client) map[string]time.Duration {
			one, two := m.pipe(reader), m.pipe(publisher)
			reader.send(`{"id":"sub","method":"topic.sub","params":{"pipeid":"` + one + `","topic":"` + news(publisher) + `.*"}}`)
			publisher.send(`{"id":"sub","method":"topic.sub","params":{"pipeid":"` + two + `","topic":"` + news(publisher) + `"}}`)
			reader.send(`{"id":"read","method":"pipe.read","params":{"pipeid":"` + one + `","timeout":500}}`)
			m.fanOut()
			m.spent()
			took := map[string]time.Duration{"topic.pub": m.publish(publisher, `{"a":1,"b":2}`)}
			began := time.Now()
			m.fanOut()
			took["its fan-out to a read"] = m.since(began, reader, "read")
			return took
		}},
		// Beside the push: the publication; the cursor, the 29 names that subscriptions may be to, and of each pipe its state before and after (one is of the
		// story before).
		{"task.push waits, with two pipes that hear of it", units{3 + 1 + 2*2, 4 + 1 + 29 + 2*2}, func(m *metered, watcher, pusher *client) map[string]time.Duration {
			pipeid := m.pipe(watcher)
			watcher.send(`{"id":"sub","method":"topic.sub","params":{"pipeid":"` + pipeid + `","topic":"hook.task|demo.*|root"}}`)
			<-time.After(5 * time.Second) // until it is asked anew
			pusher.send(`{"id":"x","method":"user.setMaxSessions","params":{"user":"root","maxsessions":50}}`)
			m.fanOut()
			m.spent()
			pusher.send(push)
			m.fanOut()
			return nil
		}},
		{"ten pipe.write, pipe.read of them all", units{22, 24}, func(m *metered, reader, writer *client) map[string]time.Duration {
			pipeid := m.pipe(reader)
			for range 10 {
				writer.send(`{"id":"write","method":"pipe.write","params":{"pipeid":"` + pipeid + `","msg":{"a":1,"b":2}}}`)
			}
			read := reader.send(`{"id":"read","method":"pipe.read","params":{"pipeid":"` + pipeid + `"}}`)
			return map[string]time.Duration{"pipe.read": m.since(read, reader, "read")}
		}},
	}
}

// request is sync.lock or sync.unlock of a lock that is named for a connection.
func request(what string, of *client) string {
	return `{"id":"` + what + `","method":"sync.` + what + `","params":{"lock":"demo.` + of.conn.ID() + `"}}`
}

// took carries out request and returns how long that took.
func (m *metered) took(c *client, what string, of *client) time.Duration {
	m.t.Helper()
	sent := c.send(request(what, of))
	_, at := m.answered(c, what)
	return at.Sub(sent)
}

// refused returns when a lock was refused.
func (m *metered) refused(c *client, id string) time.Time {
	m.t.Helper()
	text, at := m.answered(c, id)
	if !strings.HasSuffix(text, `{"ok":false}}`) {
		m.t.Errorf("not refused: %s", text)
	}
	return at
}

// news is the topic of a publisher.
func news(c *client) string { return "demo." + c.conn.ID() }

// publish publishes on the publisher's topic and returns how long that took.
func (m *metered) publish(c *client, msg string) time.Duration {
	m.t.Helper()
	sent := c.send(`{"id":"pub","method":"topic.pub","params":{"topic":"` + news(c) + `","msg":` + msg + `}}`)
	_, at := m.answered(c, "pub")
	return at.Sub(sent)
}

// fanOut has the stream of publications read, as far as it goes.
func (m *metered) fanOut() {
	m.t.Helper()
	for _, source := range m.Sources.Mappings {
		if source.Table != stack.TablePrefix+store.Topics {
			continue
		}
		if m.shards == nil {
			stream, err := mapping.OpenStream(m.t.Context(), m.Sources, source)
			if err == nil {
				m.shards, err = stream.Shards(m.t.Context())
			}
			if err != nil {
				m.t.Fatal(err)
			}
		}
		for _, shard := range m.shards {
			if _, err := shard.Poll(m.t.Context()); err != nil {
				m.t.Fatal(err)
			}
			for b, _ := shard.Next(); b != nil; b, _ = shard.Next() {
				if err := shard.Deliver(m.t.Context(), b); err != nil {
					m.t.Fatal(err)
				}
			}
		}
	}
}

// finish gives the result of a task that a worker pulled.
func (m *metered) finish(worker, pusher *client, answer string) map[string]time.Duration {
	m.t.Helper()
	sent := worker.send(`{"id":"result","method":"task.result","params":{"taskid":"` + m.taskid(answer) + `","result":3}}`)
	_, at := m.answered(worker, "result")
	_, end := m.answered(pusher, "push")
	return map[string]time.Duration{"task.result": at.Sub(sent), "task.result to the pusher": end.Sub(sent)}
}

// mostHops is how many requests may follow one another before an answer is posted.
const mostHops = 4

// TestBudgets holds the calls to the design's budgets. Run with -v it prints what they cost.
func TestBudgets(t *testing.T) {
	var table strings.Builder
	for _, b := range budgets() {
		t.Run(b.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { keeps(t, b, &table) })
		})
	}
	t.Logf("what calls cost, in write units and strong read units\n%s", &table)
}

// keeps plays a story once its paths are known, as they are to an environment that has served before, and holds it to its budget. That environment also
// knows that nobody is subscribed to hooks, for it asks that every 5 s: the stories are shorter.
func keeps(t *testing.T, b budget, table *strings.Builder) {
	m := newMetered(t)
	first, second, one, two := m.connect(), m.connect(), m.connect(), m.connect()
	b.play(m, first, second)
	m.spent()
	took := b.play(m, one, two)
	by, all, bill := m.spent()
	fmt.Fprintf(table, "%-50s %3g W %3g R, %g messages, %g invocations, %g queue requests: $%.2f a million\n", b.name, all.W, all.R,
		bill.messages, bill.invocations, bill.queued, bill.perMillion(all))
	for _, name := range names(by) {
		fmt.Fprintf(table, "  %-48s %3g W %3g R\n", name, by[name].W, by[name].R)
	}
	if all.W > b.W || all.R > b.R {
		t.Errorf("%g W and %g R, at most %g and %g: %v", all.W, all.R, b.W, b.R, by)
	}
	for _, name := range names(took) {
		hops := float64(took[name]) / float64(hop)
		fmt.Fprintf(table, "  %-48s %3g requests in turn before the answer\n", name, hops)
		if hops > mostHops {
			t.Errorf("%s: %g requests in turn before the answer, at most %d", name, hops, mostHops)
		}
	}
}

func names[V any](m map[string]V) []string {
	var list []string
	for name := range m {
		list = append(list, name)
	}
	slices.SortFunc(list, cmp.Compare)
	return list
}

// The meter itself: a call that is known to write is not free.
func TestTheMeterCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMetered(t)
		c := m.connect()
		by, _, _ := m.spent()
		// The user is read strongly, two counters of failures and who listens to logins are not; the session is written as the login begins, and at its end,
		// as it enters the index by user, which root's login does not ask.
		if got := by["sys.login"]; got != (units{3, 2.5}) {
			t.Errorf("sys.login: %+v", got)
		}
		c.send(`{"id":"w","method":"sys.watchdog","params":{"watchdog":100}}`)
		m.answered(c, "w")
		if by, all, _ := m.spent(); len(by) != 1 || by["sys.watchdog"] != (units{1, 0}) || all != (units{1, 0}) {
			t.Errorf("sys.watchdog: %v", by)
		}
	})
}
