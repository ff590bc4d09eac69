package pipe_test

import (
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/pipe"
	"nexus/pkg/timer"
)

// TestWriteDies: whichever request of a write is its handler's last, its message is read once or never, and once if it was acknowledged.
func TestWriteDies(t *testing.T) {
	for _, c := range []struct {
		name string
		at   func(*bench) harness.Kind
		read bool // the message is read
	}{
		{"after the number", (*bench).allotting, false},
		{"after the row", (*bench).puttingRow, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			owner, other := b.pair()
			// A read waits that no write in one message can be handed to directly.
			b.says(owner.read("1", ""), "")
			b.DiesAfter(c.at(b), func() string { return other.write("7", `[1,2],"multi":true`) })
			b.Advance(pipe.RepairAge - time.Millisecond)
			b.repair()
			owner.got()
			b.timers("30.999s pipe.inspect A")
			b.pass(time.Minute)
			other.got()
			if c.read {
				owner.got("1" + msgs(1, "1", "2"))
				b.want("A owner head=1.0/2 tail=1/2 count=2", "A.0 1/0 [1,2]")
				return
			}
			owner.got()
			b.want("A owner head=1.0/2 tail=1/2 count=2 waits:1", "A.0 plug")
		})
	}
}

// TestHandOverDies: whichever request of a hand-over is its handler's last, the same bytes reach the read; a post that was the last is repeated,
// since nobody knows of it.
func TestHandOverDies(t *testing.T) {
	type hands struct {
		name  string
		ready func(b *bench, owner, other *client)
		run   func(owner, other *client) string
		want  string
		state []string
	}
	for _, h := range []hands{
		{"a write to a read", func(b *bench, owner, other *client) { b.says(owner.read("1", ""), "") },
			func(_, other *client) string { return other.write("7", `"m"`) }, "1" + msgs(1, `"m"`), []string{"A owner head=0.0/0 tail=0/0 count=1"}},
		{"a read", func(b *bench, owner, other *client) { b.says(other.write("7", `["a","b","c"],"multi":true`), "") },
			func(owner, _ *client) string { return owner.read("1", `"max":2`) }, "1" + counted(1, 0, 1, `"a"`, `"b"`),
			[]string{"A owner head=0.2/2 tail=1/3 count=3 unread=1", `A.0 1/0 ["a","b","c"]`}},
		{"a write to a waiting read by a row", func(b *bench, owner, other *client) { b.says(owner.read("1", ""), "") },
			func(_, other *client) string { return other.write("7", `["a","b"],"multi":true`) }, "1" + msgs(1, `"a"`, `"b"`),
			[]string{"A owner head=1.0/2 tail=1/2 count=2", `A.0 1/0 ["a","b"]`}},
	} {
		for _, when := range []string{"before the post", "after the post", "before clearing"} {
			t.Run(h.name+" "+when, func(t *testing.T) {
				b := newBench(t)
				owner, other := b.pair()
				h.ready(b, owner, other)
				switch when {
				case "before the post":
					b.DiesBefore(b.PostTo(owner.Client), func() string { return h.run(owner, other) })
					owner.got()
				case "after the post":
					b.DiesAfter(b.PostTo(owner.Client), func() string { return h.run(owner, other) })
					owner.got(h.want)
				case "before clearing":
					b.DiesBefore(b.clearing(), func() string { return h.run(owner, other) })
					owner.got(h.want)
				}
				b.says(other.write("later", "0"), "") // what comes meanwhile changes nothing of it
				b.Advance(pipe.RepairAge - time.Millisecond)
				b.repair()
				owner.got()
				b.Advance(time.Millisecond)
				b.repair()
				owner.got(h.want)
				b.later()
				owner.got()
				for _, m := range other.Got() {
					if m != `{"jsonrpc":"2.0","id":7,"result":{"ok":true}}` && m != `{"jsonrpc":"2.0","id":later,"result":{"ok":true}}` {
						t.Errorf("the writer got %s", m)
					}
				}
			})
		}
	}
}

// TestHalfOfAHandOver: the post to one of the two failed; only that one is repeated.
func TestHalfOfAHandOver(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.PostTo(owner.Client).Fail(attempts)
	b.says(other.write("7", "7"), "recorded")
	other.got("7" + ok)
	b.want("A owner head=0.0/0 tail=0/0 count=1 handed:1 [7] count=0")
	b.says(owner.read("2", ""), "")
	b.PostTo(other.Client).Fail(attempts)
	b.says(other.write("8", "8"), "recorded")
	owner.got("2" + msgs(2, "8"))
	b.want("A owner head=0.0/0 tail=0/0 count=2 handed:1 [7] count=0 owed:other/8")
	b.later()
	owner.got("1" + msgs(1, "7"))
	other.got("8" + ok)
	b.want("A owner head=0.0/0 tail=0/0 count=2")
}

// TestTwoRepairs: the stream and the queue may give one pipe to two handlers; one of them posts.
func TestTwoRepairs(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.DiesAfter(b.directing(), func() string { return other.write("7", "7") })
	b.Advance(pipe.RepairAge)
	b.seizing().Run(b.repair)
	b.repair()
	owner.got("1" + msgs(1, "7"))
	other.got("7" + ok)
	b.want("A owner head=0.0/0 tail=0/0 count=1")
}

// TestRepairDies: the next one goes on, once the first had its time.
func TestRepairDies(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.DiesAfter(b.directing(), func() string { return other.write("7", "7") })
	b.Advance(pipe.RepairAge)
	b.PostTo(owner.Client).Fail(attempts)
	b.Try(b.pipes.Changed(b.ctx, [][2]string{{b.id("A"), "meta"}})) // that a post failed is no failure of the batch
	b.Advance(pipe.RepairAge - time.Millisecond)
	b.repair()
	owner.got()
	b.Advance(time.Millisecond)
	b.repair()
	owner.got("1" + msgs(1, "7"))
	other.got("7" + ok)
}

// TestNothingToRepair: a pipe in order costs one read, and no message.
func TestNothingToRepair(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(other.write("7", "7"), "")
	b.says(owner.read("1", ""), "")
	b.says(owner.read("2", ""), "")
	owner.got("1" + msgs(1, "7"))
	before := []int{b.On("BatchGetItem").Count(), b.update().Count(), b.getting().Count()}
	b.repair()
	b.later()
	after := []int{b.On("BatchGetItem").Count(), b.update().Count(), b.getting().Count()}
	if after[0] != before[0]+2 || after[1] != before[1] || after[2] != before[2] {
		t.Errorf("requests %v, before %v", after, before)
	}
	b.timers()
}

// TestRepairFindsTheSessionEnded: whoever was to clean up died.
func TestRepairFindsTheSessionEnded(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.says(owner.read("2", ""), "")
	b.DiesAfter(b.directing(), func() string { return other.write("7", "7") })
	b.On("DeleteItem", "nexus-pipes").Fail(attempts)
	owner.Lost()
	if err := b.Bus.Sessions.End(b.ctx, owner.Connid, true); err == nil {
		t.Error("no error of a clean-up that failed")
	}
	b.later()
	other.got("7" + ok)
	b.want()
}

// TestWakes: a message about what is gone does nothing; one that names nothing is an error.
func TestWakes(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", `"timeout":20`), "")
	b.DiesAfter(b.allotting(), func() string { return other.write("7", `[1,2],"multi":true`) })
	b.repair()
	b.says(owner.read("2", `"timeout":70`), "")
	b.repair()
	b.timers("10s pipe.look A", "20s pipe.deadline A", "30s pipe.inspect A", "30s pipe.inspect A", "1m10s pipe.deadline A")
	b.says(owner.close("9"), "")
	b.pass(2 * time.Minute)
	b.want()
	for _, w := range []timer.Wake{{Kind: pipe.WakeLook}, {Kind: pipe.WakeDeadline, Key: []string{"x"}}, {Kind: pipe.WakeInspect, Key: []string{"x", "y"}},
		{Kind: "pipe", Key: []string{"x"}}} {
		if err := b.Bus.Woken(b.ctx, w); err == nil {
			t.Errorf("no error of %v", w)
		}
	}
}
