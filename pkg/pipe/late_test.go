package pipe_test

import (
	"fmt"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/pipe"
	"nexus/pkg/store"
)

// Writes that their handlers gave up and that arrive when others have written since, so that nothing in the pipe tells of them any more.

// forgets has so many others get numbers that the pipe A forgets all tokens before.
func (c *client) forgets() {
	c.b.t.Helper()
	for n := range 5 {
		c.b.says(c.write(fmt.Sprint("10", n), "0"), "")
	}
}

func TestLateDrop(t *testing.T) {
	b := newBench(t)
	owner, other := b.client("owner"), b.client("other")
	owner.create(`{"len":1}`)
	b.says(other.write("1", "1"), "")
	arrive := b.allotting().Stray(1)
	b.says(other.write("2", "2"), "")
	b.InVain(store.Pipes, arrive)

	arrive = b.allotting().Stray(attempts)
	b.says(other.write("3", "3"), "unknown")
	owner.forgets() // nor does the pipe know that it was not carried out
	b.InVain(store.Pipes, arrive)
	b.want("A owner len=1 head=0.0/0 tail=1/1 count=7 unread=1 drops=6", "A.0 1/0 1")

	// Of several some find no room: those are dropped once.
	b.says(owner.read("4", ""), "")
	arrive = b.allotting().Stray(1)
	b.says(other.write("5", `[5,6,7],"multi":true`), "")
	b.says(owner.read("6", ""), "")
	b.InVain(store.Pipes, arrive)
	b.want("A owner len=1 head=2.0/2 tail=2/2 count=10", "A.0 1/0 1", "A.1 8/1 5")
}

// TestLateNumber: a number that comes late is nobody's, and given up.
func TestLateNumber(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	arrive := b.allotting().Stray(1)
	b.says(other.write("1", "1"), "")
	b.InVain(store.Pipes, arrive) // the token is known

	arrive = b.allotting().Stray(1)
	b.says(other.write("2", "2"), "")
	owner.forgets()
	owner.Got()
	b.says(owner.read("3", ""), "")
	owner.got("3" + msgs(1, "1", "2", "0", "0", "0", "0", "0"))
	arrive()
	b.Advance(pipe.PlugAge)
	b.says(owner.read("4", ""), "")
	b.says(other.write("5", "5"), "")
	owner.got("4" + msgs(9, "5")) // and the count that it took
}

// TestLateRow: it is its message's, unless its number was given up.
func TestLateRow(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	arrive := b.puttingRow().Stray(attempts)
	b.says(other.write("1", "1"), "unknown")
	arrive()
	b.says(owner.read("2", ""), "")
	owner.got("2" + msgs(1, "1"))

	arrive = b.puttingRow().Stray(attempts)
	b.says(other.write("3", "3"), "unknown")
	b.Advance(pipe.PlugAge)
	b.says(owner.read("4", ""), "")
	b.InVain(store.Pipes, arrive)
	b.want("A owner head=2.0/2 tail=2/2 count=2 waits:4", "A.0 1/0 1", "A.1 plug")
}

// TestLateHandOvers: what hands messages over does so once, and not after its caller was told that it did not.
func TestLateHandOvers(t *testing.T) {
	for name, test := range map[string]struct {
		kind func(*bench) harness.Kind
		// before prepares the pipe A for call, which has 1 handed over to the read 5.
		before, call func(b *bench, owner, other *client) string
	}{
		"direct": {(*bench).directing,
			func(_ *bench, owner, _ *client) string { return owner.read("5", "") },
			func(_ *bench, _, other *client) string { return other.write("6", "1") }},
		"claim": {(*bench).claiming,
			func(_ *bench, _, other *client) string { return other.write("6", "1") },
			func(_ *bench, owner, _ *client) string { return owner.read("5", "") }},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			owner, other := b.pair()
			b.says(test.before(b, owner, other), "")
			arrive := test.kind(b).Stray(1)
			b.says(test.call(b, owner, other), "")
			owner.got("5" + msgs(1, "1"))
			b.says(owner.read("7", ""), "") // that it would be handed to
			b.InVain(store.Pipes, arrive)
			b.says(other.write("8", "8"), "")
			owner.got("7" + msgs(2, "8"))
			other.got("6"+ok, "8"+ok)

			b = newBench(t)
			owner, other = b.pair()
			b.says(test.before(b, owner, other), "")
			arrive = test.kind(b).Stray(attempts)
			b.says(test.call(b, owner, other), "unknown")
			b.InVain(store.Pipes, arrive)
			b.later()
			owner.got()
		})
	}
}

// TestLateJoin: a read joins once, and not after its caller was told that it did not.
func TestLateJoin(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	arrive := b.joining().Stray(1)
	b.says(owner.read("1", ""), "")
	b.InVain(store.Pipes, arrive)
	b.says(other.write("2", "2"), "")
	owner.got("1" + msgs(1, "2"))

	arrive = b.joining().Stray(1)
	b.says(owner.read("3", ""), "")
	b.says(other.write("4", "4"), "")
	owner.got("3" + msgs(2, "4"))
	b.InVain(store.Pipes, arrive) // when it was answered

	arrive = b.joining().Stray(3)
	b.says(owner.read("5", ""), "unknown")
	b.InVain(store.Pipes, arrive)
	b.want("A owner head=0.0/0 tail=0/0 count=2")
}

// TestLateEnds: a read is answered once, and a pipe that is gone stays so.
func TestLateEnds(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", `"timeout":5`), "")
	arrive := b.expiring().Stray(1)
	b.pass(5 * time.Second)
	owner.got("1" + counted(0, 0, 0))
	b.says(owner.read("2", `"timeout":5`), "")
	b.InVain(store.Pipes, arrive)

	arrive = b.clearing().Stray(1)
	b.says(other.write("3", "3"), "")
	owner.got("2" + msgs(1, "3"))
	b.InVain(store.Pipes, arrive)

	arrive = b.closing().Stray(1)
	b.says(owner.close("4"), "")
	owner.got("4" + ok)
	b.InVain(store.Pipes, arrive)
	b.want()
}
