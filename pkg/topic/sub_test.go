package topic_test

import (
	"fmt"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/pipe"
	"nexus/pkg/store"
	"nexus/pkg/topic"
)

func TestSub(t *testing.T) {
	b := newBench(t)
	one, two := b.pipe("a", "b.*"), b.pipe("a")
	b.subscriptions("a A", "b.* A", "a B")
	b.says(b.sub(one, "a"), ok)
	b.subscriptions("a A", "b.* A", "a B")
	b.says(b.unsub(one, "a"), ok)
	b.says(b.unsub(one, "a"), ok)
	b.says(b.unsub(two, "b"), ok)
	b.subscriptions("b.* A", "a B")
	for _, i := range b.Table(store.Topics) {
		if exp := time.Unix(i.Int("exp"), 0).Sub(b.Now()); exp != 3*time.Hour && exp != 4*time.Hour {
			t.Errorf("%s goes in %s", i.Str("part"), exp)
		}
	}
}

// TestSubOfNoPipe: one that never was, one that is closed, one whose session has ended.
func TestSubOfNoPipe(t *testing.T) {
	b := newBench(t)
	one, two := b.pipe("a"), b.pipe("a")
	b.close(one)
	b.subscriptions("a B")
	if err := b.Bus.Sessions.End(b.ctx, b.owner.Connid, true); err != nil {
		t.Fatal(err)
	}
	b.subscriptions()
	for _, id := range []string{one, two, "01KATY7X8ZQ4M2N6P9R3S5T1V0", "nosuch", ""} {
		want := fmt.Sprintf("-32003 Invalid pipe:[%s]", id)
		if id == "" {
			want = "-32003 Invalid pipe"
		}
		b.says(b.sub(id, "a"), want)
		b.says(b.unsub(id, "a"), want)
	}
	b.subscriptions()
}

// TestSubWhileThePipeCloses: whichever is first, nothing is left.
func TestSubWhileThePipeCloses(t *testing.T) {
	b := newBench(t)
	id := b.pipe()
	b.subscribing().Run(func() { b.close(id) })
	b.says(b.sub(id, "a"), "-32003 Invalid pipe:["+id+"]")
	b.subscriptions()

	id = b.pipe()
	b.subscribing().Then(func() { b.close(id) })
	b.says(b.sub(id, "a"), ok)
	b.subscriptions()

	// Between the pipe's closing and the removal of its subscriptions nobody can subscribe it.
	id = b.pipe("a")
	b.On("Query", `"q#`).Run(func() { b.says(b.sub(id, "b"), "-32003 Invalid pipe:["+id+"]") })
	b.close(id)
	b.subscriptions()
}

func TestSubLosesItsResponse(t *testing.T) {
	for lost := 1; lost < attempts; lost++ {
		b := newBench(t)
		id := b.pipe()
		b.subscribing().Lose(lost)
		b.says(b.sub(id, "a"), ok)
		b.subscriptions("a A")
		b.subscribing().Lose(lost)
		b.says(b.unsub(id, "a"), ok)
		b.subscriptions()
	}
}

func TestSubFails(t *testing.T) {
	b := newBench(t)
	id := b.pipe()
	b.subscribing().Fail(attempts)
	b.says(b.sub(id, "b"), "unknown")
	b.says(b.sub(id, "b"), ok)
}

// TestACloserDies: the pipe is closed and some of its subscriptions are there still. A fan-out removes what it meets, and the end of the session the
// rest.
func TestACloserDies(t *testing.T) {
	for name, at := range map[string]func(*bench) harness.Kind{
		"before the look":    func(b *bench) harness.Kind { return b.On("Query", `"q#`) },
		"before the removal": func(b *bench) harness.Kind { return b.On("DeleteItem", `"s#b"`) },
		"half way":           func(b *bench) harness.Kind { return b.On("DeleteItem", `"q#`, `"b"`) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			id := b.pipe("a", "b", "c.*", "d")
			r := b.pub("p", "c", "1")
			b.dies(at(b).Run, func() {
				_, _ = b.Bus.Pipes.Close(b.ctx, b.call(b.owner.Connid), pipe.Close{Pipeid: id}) // its error is that of its death
			})
			b.fans([]topic.Record{r})
			for _, i := range b.Table(store.Topics) {
				if i.Str("part") == "s#c.*" {
					t.Error("the fan-out left what it met")
				}
			}
			if err := b.Bus.Sessions.End(b.ctx, b.owner.Connid, true); err != nil {
				t.Error(err)
			}
			b.subscriptions()
			b.holds("")
		})
	}
}

// TestManySubscriptionsOfAPipeGone: what does not fit one invocation goes on by a message.
func TestManySubscriptionsOfAPipeGone(t *testing.T) {
	b := newBench(t)
	var topics []string
	for n := range 600 {
		topics = append(topics, fmt.Sprintf("t%d", n))
	}
	id := b.pipe(topics...)
	b.topics.Chores = -time.Nanosecond
	if err := b.topics.PipeGone(b.ctx, id); err != nil {
		t.Fatal(err)
	}
	left := 600 - 256
	for turn := 1; left > 0; turn++ {
		if got := len(b.Table(store.Topics)); got != 2*left {
			t.Errorf("turn %d: %d rows, want %d", turn, got, 2*left)
		}
		for _, w := range b.letters("topic.gone") {
			if err := b.Bus.Woken(b.ctx, w); err != nil {
				t.Error(err)
			}
		}
		left = max(0, left-256)
	}
	b.subscriptions()
}
