package topic_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/pipe"
	"nexus/pkg/store"
	"nexus/pkg/timer"
	"nexus/pkg/topic"
)

// bench is topics, and pipes that are subscribed. The pipes have names: A, B, …, in the order in which they were made, which is that of their ids.
type bench struct {
	*harness.Harness
	t      *testing.T
	ctx    context.Context
	topics *topic.Topics
	pipes  *between
	owner  *harness.Client
	ids    []string // of the pipes
	calls  int
	// published are the messages of does.
	published []string
}

// between is the pipes as topics reach them: a test may have something happen there.
type between struct {
	topic.Pipes
	mu sync.Mutex
	// before and after run around each Append, if they are not nil; the error of before is Append's, which does nothing then.
	before, after func(pipeid string, d topic.Delivery) error
	appended      []string // "pipe number", of publications that were given to pipes
}

func (b *between) Append(ctx context.Context, pipeid string, d topic.Delivery) (bool, error) {
	b.mu.Lock()
	before, after := b.before, b.after
	b.mu.Unlock()
	if before != nil {
		if err := before(pipeid, d); err != nil {
			return false, err
		}
	}
	there, err := b.Pipes.Append(ctx, pipeid, d)
	b.mu.Lock()
	for n := range d.Messages {
		b.appended = append(b.appended, fmt.Sprintf("%s %d", pipeid, d.N+int64(n)))
	}
	b.mu.Unlock()
	if after != nil && err == nil {
		err = after(pipeid, d)
	}
	return there, err
}

func newBench(t *testing.T) *bench {
	t.Helper()
	h := harness.New(t)
	b := &bench{Harness: h, t: t, ctx: t.Context(), topics: h.Bus.Topics, owner: h.Connect()}
	b.pipes = &between{Pipes: b.topics.Pipes}
	b.topics.Pipes = b.pipes
	return b
}

func (b *bench) call(connid string) *call.Call {
	b.calls++
	return &call.Call{Connid: connid, ID: json.RawMessage(strconv.Itoa(b.calls)), Request: fmt.Sprintf("r%d", b.calls), At: b.Now()}
}

const ok = `{"ok":true}`

// pipe makes a pipe, subscribed to some topics.
func (b *bench) pipe(topics ...string) string {
	b.t.Helper()
	o, err := b.Bus.Pipes.Create(b.ctx, b.call(b.owner.Connid), pipe.Create{Len: 1000})
	if err != nil {
		b.t.Fatal(err)
	}
	var a struct{ Pipeid string }
	if err := json.Unmarshal([]byte(harness.Answer(o, nil)), &a); err != nil {
		b.t.Fatal(err)
	}
	b.ids = append(b.ids, a.Pipeid)
	for _, name := range topics {
		b.says(b.sub(a.Pipeid, name), ok)
	}
	return a.Pipeid
}

func (b *bench) sub(pipeid, name string) string {
	return harness.Answer(b.topics.Sub(b.ctx, b.call("other"), topic.Subscription{Pipeid: pipeid, Topic: name}))
}

func (b *bench) unsub(pipeid, name string) string {
	return harness.Answer(b.topics.Unsub(b.ctx, b.call("other"), topic.Subscription{Pipeid: pipeid, Topic: name}))
}

func (b *bench) close(pipeid string) {
	b.t.Helper()
	if _, err := b.Bus.Pipes.Close(b.ctx, b.call(b.owner.Connid), pipe.Close{Pipeid: pipeid}); err != nil {
		b.t.Error(err)
	}
	b.owner.Got()
}

// pub publishes and returns the stream's record.
func (b *bench) pub(publisher, name, msg string) topic.Record {
	b.t.Helper()
	b.says(harness.Answer(b.topics.Pub(b.ctx, b.call(publisher), topic.Pub{Topic: name, Msg: json.RawMessage(msg)}, false)), ok)
	return b.last(publisher)
}

// last is the record of a publisher's last publication.
func (b *bench) last(publisher string) topic.Record {
	b.t.Helper()
	for _, i := range b.publications() {
		if i.Str("req") == fmt.Sprintf("r%d", b.calls) {
			return record(i)
		}
	}
	b.t.Fatalf("%s has published nothing", publisher)
	return topic.Record{}
}

func record(i store.Item) topic.Record {
	return topic.Record{ID: fmt.Sprintf("%s/%d", i.Str("part"), i.Int("n")), Image: i}
}

// publications are the rows of publications.
func (b *bench) publications() []store.Item {
	var all []store.Item
	for _, i := range b.Table(store.Topics) {
		if strings.HasPrefix(i.Str("part"), "p#") {
			all = append(all, i)
		}
	}
	return all
}

// fans hands out records and checks which have to come again.
func (b *bench) fans(records []topic.Record, again ...string) {
	b.t.Helper()
	b.InOrder("again", b.topics.FanOut(b.ctx, records), again)
}

// holds checks the messages that the pipes hold, in their order, as {"topic","msg"}: for each pipe the messages' msg, in the order of the pipes.
func (b *bench) holds(want ...string) {
	b.t.Helper()
	var got []string
	for _, id := range b.ids {
		got = append(got, strings.Join(b.held(id), " "))
	}
	b.InOrder("the pipes hold", got, want)
}

// held are the messages in a pipe.
func (b *bench) held(id string) []string {
	b.t.Helper()
	var list []string
	bodies := map[string]string{}
	for _, i := range b.Table(store.Bodies) {
		bodies[i.Str("id")] = i.Str("out")
	}
	for _, i := range b.Table(store.Pipes) {
		if i.Str("pipeid") != id || i.Str("row") == "meta" {
			continue
		}
		text := i.Str("m")
		if i.Has("mb") {
			text = bodies[i.Str("mb")]
		}
		if !i.Bool("many") {
			text = "[" + text + "]"
		}
		var all []struct {
			Topic string
			Msg   json.RawMessage
		}
		if err := json.Unmarshal([]byte(text), &all); err != nil && !i.Bool("plug") {
			b.t.Fatalf("%q: %v", text, err)
		}
		for _, m := range all {
			list = append(list, string(m.Msg))
		}
	}
	return list
}

// subscriptions checks what is subscribed, as "topic pipe", and that from pipes everything is found that is or was.
func (b *bench) subscriptions(want ...string) {
	b.t.Helper()
	var is, by, of []string
	for _, i := range b.Table(store.Topics) {
		part, row := i.Str("part"), i.Str("row")
		switch part[:2] {
		case "s#":
			by = append(by, part[2:]+" "+b.name(row))
			if !i.Has("until") {
				is = append(is, part[2:]+" "+b.name(row))
			}
		case "q#":
			of = append(of, row+" "+b.name(part[2:]))
		}
	}
	b.Same("subscribed are", is, want)
	b.Same("from the pipes are found", of, by)
}

func (b *bench) name(pipeid string) string {
	if n := slices.Index(b.ids, pipeid); n >= 0 {
		return string(rune('A' + n))
	}
	return pipeid
}

// cursors checks those that are kept: "row number place tries", places by the pipes' names.
func (b *bench) cursors(want ...string) {
	b.t.Helper()
	var got []string
	for _, i := range b.Table(store.Topics) {
		if !strings.HasPrefix(i.Str("part"), "c#") {
			continue
		}
		at := i.Str("at")
		if pattern, id, found := strings.Cut(at, "/"); found {
			at = pattern + b.name(id)
		}
		got = append(got, fmt.Sprintf("%d %s %d", i.Int("n"), at, i.Int("tries")))
	}
	b.Same("the cursors are", got, want)
}

// letters takes the messages of the queues, and checks their kinds.
func (b *bench) letters(kinds ...string) []timer.Wake {
	b.t.Helper()
	var list []timer.Wake
	var got []string
	for _, m := range b.Due() {
		w, err := timer.Parse(m.Body)
		if err != nil {
			b.t.Error(err)
		}
		list, got = append(list, w), append(got, w.Kind)
	}
	b.InOrder("messages", got, kinds)
	return list
}

func (b *bench) says(got, want string) {
	b.t.Helper()
	if got != want {
		b.t.Errorf("answer %q, want %q", got, want)
	}
}

// dies runs f with a context that ends when a request of a kind is about to be sent (Run) or was carried out (Then): nothing that f does then
// happens.
func (b *bench) dies(when func(func()), f func()) {
	ctx := b.ctx
	var cancel func()
	b.ctx, cancel = context.WithCancel(ctx)
	when(cancel)
	f()
	b.ctx = ctx
}

// Requests that tests disturb.
func (b *bench) publishing() harness.Kind  { return b.On("UpdateItem", `"nexus-topics"`, `"p#`) }
func (b *bench) subscribing() harness.Kind { return b.On("TransactWriteItems", `"nexus-topics"`) }
func (b *bench) walking() harness.Kind     { return b.On("Query", `"nexus-topics"`, `"s#`) }
func (b *bench) bodying() harness.Kind     { return b.On("PutItem", `"nexus-bodies"`) }

const attempts = harness.Attempts

// other is a publisher whose publications are in the row of another's.
func other(publisher string) string {
	for n := 0; ; n++ {
		if name := fmt.Sprintf("other%d", n); topic.RowOf(name) == topic.RowOf(publisher) {
			return name
		}
	}
}

// elsewhere is a publisher whose publications are in another row.
func elsewhere(publisher string) string {
	for n := 0; ; n++ {
		if name := fmt.Sprintf("else%d", n); topic.RowOf(name) != topic.RowOf(publisher) {
			return name
		}
	}
}

// counts returns how often each value occurs.
func counts(list []string) map[string]int {
	n := map[string]int{}
	for _, s := range list {
		n[s]++
	}
	return n
}

// read has the owner read a pipe.
func (b *bench) read(pipeid string) {
	b.t.Helper()
	if _, err := b.Bus.Pipes.Read(b.ctx, b.call(b.owner.Connid), pipe.Read{Pipeid: pipeid, Max: 10}); err != nil {
		b.t.Error(err)
	}
}
