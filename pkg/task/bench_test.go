package task_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/task"
	"nexus/pkg/timer"
)

// bench is tasks and clients. What it shows of them (state_test.go) has names where the tables have ids.
type bench struct {
	*harness.Harness
	t     *testing.T
	ctx   context.Context
	tasks *task.Tasks
	names names

	clients []*client
}

// client is a client with a name.
type client struct {
	*harness.Client
	b    *bench
	name string
	tags access.Tags
}

func newBench(t *testing.T) *bench {
	t.Helper()
	h := harness.New(t)
	h.Bus.Tasks.Chores.Abreast = 1 // of two items that have to do with one another, the one that is read first is repaired first
	return &bench{Harness: h, t: t, ctx: t.Context(), tasks: h.Bus.Tasks, names: names{of: map[string]string{}, count: map[string]int{}}}
}

// client connects.
func (b *bench) client(name string) *client {
	b.t.Helper()
	c := &client{Client: b.Connect(), b: b, name: name}
	b.names.of[c.Connid] = name
	b.clients = append(b.clients, c)
	return c
}

// worker and pusher are what most tests need.
func (b *bench) pair() (worker, pusher *client) { return b.client("worker"), b.client("pusher") }

// call is a request of a client. id is its JSON-RPC id, empty for a notification; its request is named by both.
func (c *client) call(id string) *call.Call {
	out := &call.Call{Connid: c.Connid, Request: c.name + "/" + id, Session: call.Session{User: "nobody", Tags: c.tags}, At: c.b.Now()}
	if id != "" {
		out.ID = json.RawMessage(id)
	}
	return out
}

// do carries out a call and returns what is left to be said to its caller; see harness.Answer.
func do[P any](c *client, id, params string, read func(*jsonrpc.Params) P, run func(context.Context, *call.Call, P) (jsonrpc.Outcome, error)) string {
	return c.b.names.short(harness.Answer(harness.Call(c.b.Context(), c.call(id), params, read, run)))
}

// push pushes a task. Params without braces are the method's name: of a task with the params [1].
func (c *client) push(id, params string) string {
	c.b.t.Helper()
	if params[0] != '{' {
		params = `{"method":"` + params + `","params":[1]}`
	}
	return do(c, id, params, task.ReadPush, c.b.tasks.Push)
}

// pull pulls. Params without braces are the prefix.
func (c *client) pull(id, params string) string {
	c.b.t.Helper()
	if params[0] != '{' {
		params = `{"prefix":"` + params + `"}`
	}
	return do(c, id, params, task.ReadPull, c.b.tasks.Pull)
}

// named are the params of a call that names an item by its letter.
func (b *bench) named(item, more string) string {
	b.state() // gives names
	return `{"taskid":"` + b.names.taskid(item) + `"` + more + `}`
}

func (c *client) result(id, item, result string) string {
	c.b.t.Helper()
	return do(c, id, c.b.named(item, `,"result":`+result), task.ReadResult, c.b.tasks.Finish)
}

func (c *client) error(id, item, members string) string {
	c.b.t.Helper()
	return do(c, id, c.b.named(item, members), task.ReadError, c.b.tasks.Finish)
}

func (c *client) reject(id, item string) string {
	c.b.t.Helper()
	return do(c, id, c.b.named(item, ""), task.ReadReject, c.b.tasks.Reject)
}

// cancel cancels what params name.
func (c *client) cancel(id, params string) string {
	c.b.t.Helper()
	return do(c, id, params, task.ReadCancel, c.b.tasks.Cancel)
}

// end ends the session of a client of which somebody learned that it is gone.
func (c *client) end() {
	c.b.t.Helper()
	c.b.End(c.Client)
}

// got checks the messages that a client got since the last look, in any order; see names.message.
func (c *client) got(want ...string) {
	c.b.t.Helper()
	var got []string
	for _, m := range c.Got() {
		got = append(got, c.b.names.message(m))
	}
	c.b.Same(c.name+" got", got, want)
}

// Requests that tests disturb.
func (b *bench) putTask() harness.Kind    { return b.On("PutItem", `"nexus-tasks"`, `"queue"`) }
func (b *bench) updateTask() harness.Kind { return b.On("UpdateItem", `"nexus-tasks"`) }
func (b *bench) putRow() harness.Kind     { return b.On("PutItem", `"nexus-calls"`) }
func (b *bench) pairing() harness.Kind    { return b.On("TransactWriteItems") }

// attempts is how often the SDK tries a request.
const attempts = harness.Attempts

func (b *bench) says(got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("answer %q, want %q", got, want)
	}
}

// repair does what the stream does with all items: it has them looked at.
func (b *bench) repair() {
	b.t.Helper()
	var keys [][2]string
	for _, i := range b.Table("tasks") {
		keys = append(keys, [2]string{i.Str("part"), i.Str("id")})
	}
	slices.SortFunc(keys, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	b.Try(b.tasks.Changed(b.Context(), keys))
}

// later lets so much time pass that everything is repair's, and has it looked at. No timer comes.
func (b *bench) later() {
	b.t.Helper()
	b.Advance(task.RepairAge)
	b.repair()
}

// settled has timers and repair do all that is left to be done, and checks what there is then, and that no client hears of it.
func (b *bench) settled(lines ...string) {
	b.t.Helper()
	b.pass(task.RepairAge)
	b.repair()
	b.want(lines...)
	for _, c := range b.clients {
		c.got()
	}
}

// due lets the messages of the delay queue come that are due, those of some kinds or all. The others are lost.
func (b *bench) due(kinds ...string) {
	b.t.Helper()
	for _, m := range b.Due() {
		w, err := timer.Parse(m.Body)
		b.Try(err)
		if len(kinds) == 0 || slices.Contains(kinds, w.Kind) {
			b.Try(b.Bus.Woken(b.Context(), w))
		}
	}
}

// pass lets time pass and the messages of the delay queue come on their way.
func (b *bench) pass(d time.Duration) {
	b.t.Helper()
	b.Pass(d)
}

func contains(text string, all ...string) bool {
	for _, part := range all {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// timerDies has the handler of the messages that are due die when a request of a kind has taken effect.
func (b *bench) timerDies(kind harness.Kind) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.ctx)
	kind.Then(cancel)
	for _, m := range b.Due() {
		w, err := timer.Parse(m.Body)
		b.Try(err)
		if b.Bus.Woken(ctx, w) == nil {
			b.t.Error("the handler did not die")
		}
	}
}

// ends has somebody die who ended a session: it is over, and what it leaves is still there. The messages for the clean-ups are lost too.
func (b *bench) ends(c *client) {
	b.t.Helper()
	c.Lost()
	ctx, cancel := context.WithCancel(b.ctx)
	b.On("UpdateItem", `"nexus-sessions"`, c.Connid).Then(cancel)
	if err := b.Bus.Sessions.End(ctx, c.Connid, true); err == nil {
		b.t.Error("the handler did not die")
	}
	b.Discard()
}

// finishes has somebody else finish an item: a task by a result, a pull by its time.
func (b *bench) finishes(item string) error {
	p := jsonrpc.ReadParams([]byte(b.named(item, `,"result":3`)))
	_, err := b.tasks.Finish(b.ctx, &call.Call{Request: "finishes"}, task.ReadResult(p))
	return err
}

func long(n int) string { return strings.Repeat("x", n) }

// doText and reject take their params as they are.
func doText(c *client, id, params string) string {
	c.b.t.Helper()
	return do(c, id, params, task.ReadResult, c.b.tasks.Finish)
}

func reject(c *client, id, params string) string {
	c.b.t.Helper()
	return do(c, id, params, task.ReadReject, c.b.tasks.Reject)
}
