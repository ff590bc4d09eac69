package pipe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/pipe"
	"nexus/pkg/store"
)

// bench is pipes and clients. What it shows of them (state_test.go) has names where the tables have ids.
type bench struct {
	*harness.Harness
	t     *testing.T
	ctx   context.Context
	pipes *pipe.Pipes
	names map[string]string // connids and pipeids
}

// client is a client with a name.
type client struct {
	*harness.Client
	b    *bench
	name string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	h := harness.New(t)
	return &bench{Harness: h, t: t, ctx: t.Context(), pipes: h.Bus.Pipes, names: map[string]string{}}
}

func (b *bench) client(name string) *client {
	b.t.Helper()
	c := &client{Client: b.Connect(), b: b, name: name}
	b.names[c.Connid] = name
	return c
}

// pair is what most tests need: who has the pipe A, and another.
func (b *bench) pair() (owner, other *client) {
	b.t.Helper()
	owner, other = b.client("owner"), b.client("other")
	owner.create(`{}`)
	return owner, other
}

// call is a request of a client. id is its JSON-RPC id, empty for a notification; its request is named by both.
func (c *client) call(id string) *call.Call {
	out := &call.Call{Connid: c.Connid, Request: c.name + "/" + id, At: c.b.Now()}
	if id != "" {
		out.ID = json.RawMessage(id)
	}
	return out
}

// do carries out a call and returns what is left to be said to its caller; see harness.Answer.
func do[P any](c *client, id, params string, read func(*jsonrpc.Params) P, run func(context.Context, *call.Call, P) (jsonrpc.Outcome, error)) string {
	return c.b.short(harness.Answer(harness.Call(c.b.Context(), c.call(id), params, read, run)))
}

// create creates a pipe and names it: A, B, …
func (c *client) create(params string) string {
	c.b.t.Helper()
	answer := do(c, "1", params, pipe.ReadCreate, c.b.pipes.Create)
	var a struct{ Pipeid string }
	if json.Unmarshal([]byte(answer), &a) != nil || a.Pipeid == "" {
		return answer
	}
	return c.b.named(a.Pipeid)
}

func (b *bench) named(pipeid string) string {
	if b.names[pipeid] == "" {
		n := 0
		for _, name := range b.names {
			if len(name) == 1 {
				n++
			}
		}
		b.names[pipeid] = string(rune('A' + n))
	}
	return b.names[pipeid]
}

// id is a pipe's id by its name.
func (b *bench) id(name string) string {
	for id, n := range b.names {
		if n == name {
			return id
		}
	}
	return name
}

// on are params that name a pipe, A unless they name another, and more.
func (b *bench) on(more string) string {
	name := "A"
	if strings.HasPrefix(more, "B") {
		name, more = "B", more[1:]
	}
	if more != "" {
		more = "," + more
	}
	return `{"pipeid":"` + b.id(name) + `"` + more + `}`
}

// write writes a message, as it is given: with other members behind it, if any.
func (c *client) write(id, msg string) string {
	c.b.t.Helper()
	return do(c, id, c.b.on(`"msg":`+msg), pipe.ReadWrite, c.b.pipes.Write)
}

func (c *client) read(id, more string) string {
	c.b.t.Helper()
	return do(c, id, c.b.on(more), pipe.ReadRead, c.b.pipes.Read)
}

func (c *client) close(id string) string {
	c.b.t.Helper()
	return do(c, id, c.b.on(""), pipe.ReadClose, c.b.pipes.Close)
}

// publish appends a publication: number n of the row r.
func (b *bench) publish(n int64, msg string) string {
	b.t.Helper()
	return b.publishes(n, msg)
}

// publishes appends publications: from number n of the row r on.
func (b *bench) publishes(n int64, msgs ...string) string {
	b.t.Helper()
	there, err := b.pipes.Append(b.Context(), b.id("A"), pipe.Publications{Row: "r", N: n, Messages: raw(msgs...)})
	switch {
	case call.IsRecorded(err):
		return "recorded"
	case err != nil:
		return "unknown"
	}
	return fmt.Sprint(there)
}

func raw(texts ...string) []json.RawMessage {
	list := make([]json.RawMessage, len(texts))
	for n, text := range texts {
		list[n] = json.RawMessage(text)
	}
	return list
}

// end ends the session of a client of which somebody learned that it is gone.
func (c *client) end() {
	c.b.t.Helper()
	c.b.End(c.Client)
}

// got checks the messages that a client got since the last look, in any order.
func (c *client) got(want ...string) {
	c.b.t.Helper()
	var got []string
	for _, m := range c.Got() {
		got = append(got, c.b.short(brief(harness.Brief(m))))
	}
	c.b.Same(c.name+" got", got, want)
}

const ok = ` {"ok":true}`

// msgs is what a read gets that nothing is left behind and nothing was dropped: messages with their counts, from the first given one on.
func msgs(count int, texts ...string) string { return counted(0, 0, count, texts...) }

func counted(waiting, drops, count int, texts ...string) string {
	list := make([]string, len(texts))
	for n, text := range texts {
		list[n] = fmt.Sprintf(`{"msg":%s,"count":%d}`, text, count+n)
	}
	return fmt.Sprintf(` {"waiting":%d,"drops":%d,"msgs":[%s]}`, waiting, drops, strings.Join(list, ","))
}

// Requests that tests disturb.
func (b *bench) update(with ...string) harness.Kind {
	return b.On("UpdateItem", append([]string{`"nexus-pipes"`}, with...)...)
}
func (b *bench) allotting() harness.Kind { return b.update(`":all"`) }
func (b *bench) directing() harness.Kind { return b.update(`":what"`, `":k"`, `":count"`) }
func (b *bench) claiming() harness.Kind  { return b.update(`":what"`, `":to"`) }
func (b *bench) joining() harness.Kind   { return b.update(`":asks"`) }
func (b *bench) clearing() harness.Kind  { return b.update(`"REMOVE #who.#token`) }
func (b *bench) expiring() harness.Kind  { return b.update(`":read"`, `":what"`) }
func (b *bench) closing() harness.Kind   { return b.update(`":request"`) }
func (b *bench) seizing() harness.Kind   { return b.update(`":at"`) }
func (b *bench) getting() harness.Kind   { return b.On("GetItem", `"nexus-pipes"`) }
func (b *bench) puttingRow() harness.Kind {
	return b.On("PutItem", `"nexus-pipes"`, `"row":{"S":"0`, `"m":`)
}
func (b *bench) plugging() harness.Kind { return b.On("PutItem", `"nexus-pipes"`, `"plug":`) }

// attempts is how often the SDK tries a request.
const attempts = harness.Attempts

func (b *bench) says(got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("answer %q, want %q", got, want)
	}
}

// repair does what the stream does with all pipes: it has them looked at.
func (b *bench) repair() {
	b.t.Helper()
	var keys [][2]string
	for _, i := range b.Table(store.Pipes) {
		keys = append(keys, [2]string{i.Str("pipeid"), i.Str("row")})
	}
	b.Try(b.pipes.Changed(b.Context(), keys))
}

// later lets so much time pass that everything is repair's, and has it looked at. No timer comes.
func (b *bench) later() {
	b.t.Helper()
	b.Advance(pipe.RepairAge)
	b.repair()
}

// pass lets time pass and the messages of the delay queue come on their way.
func (b *bench) pass(d time.Duration) {
	b.t.Helper()
	b.Pass(d)
}

// timers checks all messages of the delay queue: when they come, in time since the test began, and of which kind they are.
func (b *bench) timers(want ...string) {
	b.t.Helper()
	got := b.Timers()
	for n := range got {
		got[n] = b.short(strings.Join(strings.Fields(got[n])[:3], " ")) // without a read's token
	}
	b.InOrder("the queue has", got, want)
}
