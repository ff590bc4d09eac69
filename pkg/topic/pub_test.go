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
	if err := b.topics.Publish(b.ctx, "p", strings.Repeat("x", 1501), nil, nil); err == nil {
		t.Error("a topic that is no key was taken")
	}
	if err := b.topics.Publish(b.ctx, "p", "a", nil, make([]byte, topic.MaxMessage+1)); err == nil {
		t.Error("a message that fits no pipe was taken")
	}
}

// TestHeard: by first label, for hours, and asked of the table every five seconds.
func TestHeard(t *testing.T) {
	b := newBench(t)
	heard := func(label string, want bool) {
		t.Helper()
		if got, err := b.topics.Heard(b.ctx, label); got != want || err != nil {
			t.Errorf("%s after %s: %t, %v", label, b.Now(), got, err)
		}
	}
	heard("hook", false)
	id := b.pipe("hook.task|a.*", "hooks")
	heard("hook", true)
	heard("hooks", true)
	heard("hook.task|a", false)
	reads := b.On("BatchGetItem", "l#hook").Count()
	heard("hook", true)
	b.Advance(5*time.Second - time.Millisecond)
	heard("hook", true)
	if n := b.On("BatchGetItem", "l#hook").Count() - reads; n != 0 {
		t.Errorf("read %d times more", n)
	}
	b.Advance(time.Millisecond)
	heard("hook", true)
	if n := b.On("BatchGetItem", "l#hook").Count() - reads; n != 1 {
		t.Errorf("read %d times more", n)
	}
	// A later subscription finds the row there, as long as it lasts longer.
	writes := b.On("UpdateItem", "l#hook").Count()
	b.says(b.unsub(id, "hooks"), ok)
	b.says(b.sub(id, "hook.*"), ok)
	b.Advance(time.Hour - 5*time.Second)
	b.says(b.sub(id, "hook.a"), ok)
	if n := b.On("UpdateItem", "l#hook").Count() - writes; n != 0 {
		t.Errorf("written %d times more", n)
	}
	b.Advance(time.Second)
	b.says(b.sub(id, "hook.b"), ok)
	if n := b.On("UpdateItem", "l#hook").Count() - writes; n != 1 {
		t.Errorf("written %d times more", n)
	}
	b.Advance(4*time.Hour - time.Second)
	heard("hook", true)
	b.Advance(time.Minute)
	heard("hook", false)
	b.pipe("*")
	heard("hook", true)
	heard("anything", true)
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
