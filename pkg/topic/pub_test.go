package topic_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/store"
	"nexus/pkg/topic"
)

// row shows a row of publications.
func row(i store.Item) string {
	line := fmt.Sprintf("%d %s %s%s", i.Int("n"), i.Str("topic"), i.Str("msg"), strings.Repeat("body", len(i.Str("body"))/26))
	for _, name := range []string{"req", "r1", "r2", "r3", "r4", "r5", "r6", "r7"} {
		line += " " + i.Str(name)
	}
	return line
}

func (b *bench) rows(want ...string) {
	b.t.Helper()
	var got []string
	for _, i := range b.publications() {
		got = append(got, row(i))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		b.t.Errorf("the rows are\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func TestPub(t *testing.T) {
	b := newBench(t)
	b.pub("p", "a", `1`)
	b.rows("1 a 1 r1 - - - - - - -")
	b.pub("p", "a.b", `"`+strings.Repeat("x", 5000)+`"`)
	b.rows("2 a.b body r2 r1 - - - - - -")
	b.pub(other("p"), "a", `3`)
	b.rows("3 a 3 r3 r2 r1 - - - - -")
	b.pub(elsewhere("p"), "z", `4`)
	b.rows("1 z 4 r4 - - - - - - -", "3 a 3 r3 r2 r1 - - - - -")
	for _, i := range b.Table(store.Bodies) {
		if i.Str("out") != `{"topic":"a.b","msg":"`+strings.Repeat("x", 5000)+`"}` || i.Int("exp") != b.Now().Add(topic.Kept).Unix() {
			t.Errorf("body %.40s until %d", i.Str("out"), i.Int("exp"))
		}
	}
}

// TestPubIsOneWrite: whatever the number of subscribers, and nothing else.
func TestPubIsOneWrite(t *testing.T) {
	b := newBench(t)
	for range 3 {
		b.pipe("a", "*")
	}
	var meter store.Meter
	b.ctx = store.WithMeter(b.ctx, &meter)
	b.says(harness.Answer(b.topics.Pub(b.ctx, b.call("p"), topic.Pub{Topic: "a", Msg: json.RawMessage(`1`)}, false)), ok)
	if w, r := meter.Units(); w != 1 || r != 0 {
		t.Errorf("%g W, %g R", w, r)
	}
}

// TestPubCounts: the answer has the subscriptions that match, of which a pipe may have several.
func TestPubCounts(t *testing.T) {
	b := newBench(t)
	b.pipe("a", "a.*", "b", "*")
	b.pipe("a", "a.b")
	for name, want := range map[string]int{"a": 4, "a.b": 3, "b": 2, "c": 1, "a.b.c": 2, "ab": 1} {
		got := harness.Answer(b.topics.Pub(b.ctx, b.call("p"), topic.Pub{Topic: name, Msg: json.RawMessage(`1`)}, true))
		b.says(got, fmt.Sprintf(`{"ok":true,"sent":%d}`, want))
	}
	// What cannot be counted is published all the same.
	b.walking().With(`"s#q"`).Fail(attempts)
	b.says(harness.Answer(b.topics.Pub(b.ctx, b.call("p"), topic.Pub{Topic: "q", Msg: json.RawMessage(`1`)}, true)), ok)
}

// TestPubLosesItsResponse: it reads back, and finds its own, though others published meanwhile. It is never sent again.
func TestPubLosesItsResponse(t *testing.T) {
	for others := range 10 {
		b := newBench(t)
		o := other("p")
		publish := func() {
			for n := range others {
				if err := b.topics.Publish(b.ctx, o, "other", nil, json.RawMessage(fmt.Sprint(n))); err != nil {
					t.Error(err)
				}
			}
		}
		b.publishing().With(`{"S":"r1"}`).Lose(1)
		b.On("GetItem", `"nexus-topics"`).Run(publish)
		want := ok
		if others > 7 {
			want = "unknown" // it was published, but nothing tells so any more
		}
		b.says(harness.Answer(b.topics.Pub(b.ctx, b.call("p"), topic.Pub{Topic: "a", Msg: json.RawMessage(`1`)}, false)), want)
		if n := b.publishing().With(`{"S":"r1"}`).Count(); n != 1 {
			t.Errorf("sent %d times", n)
		}
		if got := b.publications(); len(got) != 1 || got[0].Int("n") != int64(others+1) {
			t.Errorf("%d others: %v", others, got)
		}
	}
}

// TestPubFails: what may not be published is said not to be.
func TestPubFails(t *testing.T) {
	b := newBench(t)
	try := func(msg string) string {
		return harness.Answer(b.topics.Pub(b.ctx, b.call("p"), topic.Pub{Topic: "a", Msg: json.RawMessage(msg)}, false))
	}
	b.publishing().Fail(1)
	b.says(try(`1`), "unknown")
	b.rows()
	b.publishing().Lose(1)
	b.On("GetItem", `"nexus-topics"`).Fail(attempts)
	b.says(try(`1`), "unknown")
	b.bodying().Fail(attempts)
	b.says(try(`"`+strings.Repeat("x", 5000)+`"`), "unknown")
	b.rows("1 a 1 r2 - - - - - - -")
}

// TestPublish: the bus' own messages.
func TestPublish(t *testing.T) {
	b := newBench(t)
	b.pipe("hook.task|a.*")
	for n := range 2 {
		if err := b.topics.Publish(b.ctx, "p", "hook.task|a.b|user", nil, json.RawMessage(fmt.Sprint(n))); err != nil {
			t.Fatal(err)
		}
		b.fans([]topic.Record{record(b.publications()[0])})
	}
	b.holds("0 1")
	if err := b.topics.Publish(b.ctx, "p", strings.Repeat("x", 2049), nil, nil); err == nil {
		t.Error("a topic that is no key was taken")
	}
	if err := b.topics.Publish(b.ctx, "p", "a", nil, make([]byte, topic.MaxMessage+1)); err == nil {
		t.Error("a message that fits no pipe was taken")
	}
}

// TestHeard: who listens is asked of the table every five seconds, and at once after a change of this environment's own.
func TestHeard(t *testing.T) {
	b := newBench(t)
	b.topics.Patterns = func(parts []string) []string { return []string{"all", "to." + parts[0]} }
	b.topics.Hears = func(pattern string) bool { return pattern == "all" || strings.HasPrefix(pattern, "to.") }
	asking := b.On("Query", `"h#"`)
	heard := func(part string, want bool, asked int) {
		t.Helper()
		before := asking.Count()
		if got, err := b.topics.Heard(b.ctx, []string{part}); got != want || err != nil {
			t.Errorf("%s after %s: %t, %v", part, b.Now(), got, err)
		}
		if n := asking.Count() - before; n != asked {
			t.Errorf("%s: asked %d times, want %d", part, n, asked)
		}
	}
	heard("a", false, 1)
	id, other := b.pipe("to.a", "x.*"), b.pipe("x.to")
	heard("a", true, 1)
	heard("b", false, 0)
	b.says(b.sub(other, "x.all"), ok)
	b.says(b.unsub(other, "x.all"), ok)
	heard("b", false, 0)
	b.Advance(5*time.Second - time.Millisecond)
	heard("a", true, 0)
	b.Advance(time.Millisecond)
	heard("a", true, 1)
	b.says(b.sub(id, "to.b"), ok)
	b.says(b.sub(id, "to.b"), ok) // again: it is the same
	b.says(b.sub(other, "to.b"), ok)
	heard("b", true, 1)
	b.says(b.unsub(id, "to.b"), ok)
	heard("b", true, 1)
	b.says(b.unsub(other, "to.b"), ok)
	heard("b", false, 1)
	b.says(b.unsub(other, "to.b"), ok) // which it is not
	heard("a", true, 1)
	b.close(id)
	b.Advance(5 * time.Second)
	heard("a", false, 1)

	// What is left of who cannot listen any more is not there.
	b.pipe("all")
	heard("c", true, 1)
	b.Advance(4 * time.Hour)
	heard("c", false, 1)
}

// TestPublishWithParts: a publication with parts goes to whom Patterns says; a client's on the same topic, in the same row, by the rule of topics.
func TestPublishWithParts(t *testing.T) {
	b := newBench(t)
	b.topics.Patterns = func(parts []string) []string { return []string{"to." + parts[0], "to." + parts[1]} }
	b.pipe("to.a")
	b.pipe("to.b", "to.a")
	b.pipe("to.*", "x.*")
	if err := b.topics.Publish(b.ctx, "p", "x.y", []string{"a", "b"}, json.RawMessage("1")); err != nil {
		t.Fatal(err)
	}
	b.fans([]topic.Record{record(b.publications()[0])})
	b.holds("1", "1", "")
	b.fans([]topic.Record{b.pub("p", "x.y", "2")})
	b.holds("1", "1", "2")
}
