package pipe_test

import (
	"testing"
	"time"

	"nexus/pkg/pipe"
)

// TestTwoWritersOneRead: the second takes the read between the first one's look and its write.
func TestTwoWritersOneRead(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.directing().Run(func() { b.says(other.write("8", "8"), "") })
	b.says(other.write("7", "7"), "")
	owner.got("1" + msgs(1, "8"))
	other.got("7"+ok, "8"+ok)
	b.want("A owner head=0.0/0 tail=1/1 count=2 unread=1", "A.0 2/0 7")
}

// TestTwoWritersTwoReads: the first finds the read gone and takes the next one.
func TestTwoWritersTwoReads(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.says(owner.read("2", ""), "")
	b.directing().Run(func() { b.says(other.write("8", "8"), "") })
	b.says(other.write("7", "7"), "")
	owner.got("1"+msgs(1, "8"), "2"+msgs(2, "7"))
	b.want("A owner head=0.0/0 tail=0/0 count=2")
}

// TestReadJoinsWhileWriting: wherever a read joins between the steps of a write that found none, it is served.
func TestReadJoinsWhileWriting(t *testing.T) {
	for name, at := range map[string]func(b *bench, join func()){
		"before the number": func(b *bench, join func()) { b.allotting().Run(join) },
		"before the row":    func(b *bench, join func()) { b.puttingRow().Run(join) },
		"before the look":   func(b *bench, join func()) { b.puttingRow().Then(join) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			owner, other := b.pair()
			at(b, func() { b.says(owner.read("1", ""), "") })
			b.says(other.write("7", "7"), "")
			owner.got("1" + msgs(1, "7"))
			other.got("7" + ok)
			b.want("A owner head=1.0/1 tail=1/1 count=1", "A.0 1/0 7")
		})
	}
}

// TestWriteWhileReadJoins: wherever a write comes between the steps of a read that found nothing, the read is served.
func TestWriteWhileReadJoins(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.joining().Run(func() { b.says(other.write("7", "7"), "") })
	b.says(owner.read("1", ""), "")
	owner.got("1" + msgs(1, "7"))
	b.want("A owner head=1.0/1 tail=1/1 count=1", "A.0 1/0 7")
	b.joining().Then(func() { b.says(other.write("8", "8"), "") })
	b.says(owner.read("2", ""), "")
	owner.got("2" + msgs(2, "8"))
	b.want("A owner head=1.0/1 tail=1/1 count=2", "A.0 1/0 7")
}

// TestReadMeetsANumberWithoutItsRow: the writer is at work; the read joins, and is served by it.
func TestReadMeetsANumberWithoutItsRow(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.puttingRow().Run(func() {
		b.says(owner.read("1", ""), "")
		b.want("A owner head=0.0/0 tail=1/1 count=1 unread=1 waits:1")
		b.timers("10s pipe.look A")
	})
	b.says(other.write("7", "7"), "")
	owner.got("1" + msgs(1, "7"))
	b.pass(time.Minute)
	owner.got()
	b.want("A owner head=1.0/1 tail=1/1 count=1", "A.0 1/0 7")
}

// TestTwoReadsOneMessage: each message goes to one of them, the other waits.
func TestTwoReadsOneMessage(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(other.write("7", "7"), "")
	b.claiming().Run(func() { b.says(owner.read("2", ""), "") })
	b.says(owner.read("1", ""), "")
	owner.got("2" + msgs(1, "7"))
	b.want("A owner head=1.0/1 tail=1/1 count=1 waits:1", "A.0 1/0 7")
}

// TestReadDoesNotOvertake: messages that a read finds beside one that waits go to that one first.
func TestReadDoesNotOvertake(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.DiesAfter(b.puttingRow(), func() string { return other.write("7", `[1,2],"multi":true`) })
	b.says(owner.read("2", `"max":1`), "")
	owner.got("1" + msgs(1, "1", "2"))
	b.want("A owner head=1.0/2 tail=1/2 count=2 waits:2 max=1", "A.0 1/0 [1,2]")
	b.says(owner.read("3", ""), "")
	b.says(other.write("8", "3"), "")
	owner.got("2" + msgs(3, "3"))
}

// TestReadDoesNotOvertakeOneThatJoins: another read joins, and gives the head's messages away, between a read's look and its claim.
func TestReadDoesNotOvertakeOneThatJoins(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(other.write("7", "7"), "")
	b.claiming().Run(func() {
		b.says(owner.read("2", ""), "")
		b.says(owner.read("3", ""), "")
		b.says(other.write("8", `[8],"multi":true`), "")
	})
	b.says(owner.read("1", ""), "")
	owner.got("2"+msgs(1, "7"), "3"+msgs(2, "8"))
	b.want("A owner head=1.0/1 tail=1/1 count=2 waits:1", "A.0 1/0 7")
}

// TestRoomIsTakenMeanwhile: of two writers only one finds the last room; the other's message is dropped.
func TestRoomIsTakenMeanwhile(t *testing.T) {
	b := newBench(t)
	owner, other := b.client("owner"), b.client("other")
	owner.create(`{"len":2}`)
	b.allotting().Run(func() { b.says(other.write("8", "8"), "") })
	b.says(other.write("7", `[1,2,3],"multi":true`), "")
	b.want("A owner len=2 head=0.0/0 tail=2/2 count=4 unread=2 drops=2", "A.0 1/0 8", "A.1 2/1 1")
	b.allotting().Run(func() { b.says(owner.read("1", ""), "") })
	b.says(other.write("9", "9"), "")
	owner.got("1" + counted(0, 2, 1, "8", "1"))
	b.says(owner.read("2", ""), "")
	owner.got("2" + msgs(5, "9"))
}

// TestPlug: a number whose writer died is given up when 10 s old, alone; others stay.
func TestPlug(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.DiesBefore(b.puttingRow(), func() string { return other.write("1", `[1,2,3],"multi":true`) })
	b.says(other.write("2", "4"), "")
	b.DiesBefore(b.puttingRow(), func() string { return other.write("3", "5") })
	b.want("A owner head=0.0/0 tail=3/5 count=5 unread=5", "A.1 4/3 4")
	b.Advance(pipe.PlugAge - time.Millisecond)
	b.says(owner.read("7", ""), "")
	b.want("A owner head=0.0/0 tail=3/5 count=5 unread=5 waits:7", "A.1 4/3 4")
	b.pass(time.Second) // the look that the read asked for
	owner.got("7" + counted(1, 0, 4, "4"))
	b.want("A owner head=2.0/4 tail=3/5 count=5 unread=1", "A.0 plug", "A.1 4/3 4")
	b.says(other.write("4", "6"), "") // younger: the number before it is not given up
	b.says(owner.read("8", ""), "")
	owner.got()
	b.pass(pipe.PlugAge)
	owner.got("8" + msgs(6, "6"))
	b.want("A owner head=4.0/6 tail=4/6 count=6", "A.0 plug", "A.1 4/3 4", "A.2 plug", "A.3 6/5 6")
	other.got("2"+ok, "4"+ok)
}

// TestPlugsAtTheEnd: nothing comes after what is given up; what only the dead knew is unread no more, and there is room again.
func TestPlugsAtTheEnd(t *testing.T) {
	b := newBench(t)
	owner, other := b.client("owner"), b.client("other")
	owner.create(`{"len":5}`)
	b.DiesBefore(b.puttingRow(), func() string { return other.write("1", `[1,2,3],"multi":true`) })
	b.DiesBefore(b.puttingRow(), func() string { return other.write("2", "4") })
	b.Advance(pipe.PlugAge)
	b.says(owner.read("7", ""), "")
	b.want("A owner len=5 head=2.0/4 tail=2/4 count=4 waits:7", "A.0 plug", "A.1 plug")
	b.says(other.write("3", "5"), "")
	owner.got("7" + msgs(5, "5"))
	b.says(other.write("4", `[1,2,3,4,5],"multi":true`), "")
	b.want("A owner len=5 head=2.0/4 tail=3/9 count=10 unread=5", "A.0 plug", "A.1 plug", "A.2 6/4 [1,2,3,4,5]")
}

// TestLateWriterMeetsAPlug: a writer that is slower than any handler goes on with another number; its message is read once.
func TestLateWriterMeetsAPlug(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.puttingRow().Run(func() {
		b.Advance(pipe.PlugAge)
		b.says(owner.read("7", ""), "")
	})
	b.says(other.write("1", "1"), "")
	owner.got("7" + msgs(2, "1"))
	other.got("1" + ok)
	b.want("A owner head=1.0/1 tail=1/1 count=2", "A.0 plug")
}

// TestRowMeetsPlugger: the row comes just before the plug would; it counts.
func TestRowMeetsPlugger(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	reading := make(chan string)
	write := make(chan struct{})
	b.puttingRow().Run(func() {
		b.Advance(pipe.PlugAge)
		go func() { reading <- owner.read("7", "") }()
		<-write // the read is about to put the plug
	})
	written := make(chan struct{})
	b.plugging().Run(func() {
		write <- struct{}{}
		<-written
	})
	b.puttingRow().Then(func() { close(written) })
	b.says(other.write("1", "1"), "")
	b.says(<-reading, "")
	owner.got("7" + msgs(1, "1"))
	other.got("1" + ok)
	b.want("A owner head=1.0/1 tail=1/1 count=1", "A.0 1/0 1")
}

// TestWriteWhilePluggedTail: a number is allotted while the plugs at the end are being skipped.
func TestWriteWhilePluggedTail(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.DiesBefore(b.puttingRow(), func() string { return other.write("1", `[1,2,3],"multi":true`) })
	b.Advance(pipe.PlugAge)
	b.update(`- :k"`).Run(func() { b.says(other.write("2", "4"), "") })
	b.says(owner.read("7", ""), "")
	owner.got("7" + msgs(4, "4"))
	b.want("A owner head=2.0/4 tail=2/4 count=4", "A.0 plug", "A.1 4/3 4")
}

// TestTimeoutMeetsWrite: of a write and the timer one has the read; a message is not lost to a read that timed out.
func TestTimeoutMeetsWrite(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", `"timeout":1`), "")
	b.expiring().Run(func() { b.says(owner.read("2", ""), "") })
	b.directing().Run(func() { b.pass(time.Second) })
	b.says(other.write("7", "7"), "")
	owner.got("1"+msgs(0), "2"+msgs(1, "7"))
	b.says(owner.read("3", `"timeout":1`), "")
	b.Advance(time.Second)
	b.expiring().Run(func() { b.says(owner.close("9"), "") })
	b.pass(0)
	owner.got("3"+msgs(0), "9"+ok)
	b.want()
}

// TestLostResponsesOfATimeout: a read is told once.
func TestLostResponsesOfATimeout(t *testing.T) {
	b := newBench(t)
	owner, _ := b.pair()
	b.says(owner.read("1", `"timeout":1`), "")
	b.says(owner.read("2", `"timeout":1`), "")
	b.expiring().Lose(2)
	b.clearing().Lose(2)
	b.pass(time.Second)
	owner.got("1"+msgs(0), "2"+msgs(0))
	b.want("A owner head=0.0/0 tail=0/0")
}

// TestWriteDoesNotOvertake: a message is stored between a writer's look and its hand-over; the read gets that one first.
func TestWriteDoesNotOvertake(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.directing().Run(func() {
		b.DiesAfter(b.puttingRow(), func() string { return other.write("8", `[1,2],"multi":true`) })
	})
	b.says(other.write("7", "3"), "")
	owner.got("1" + msgs(1, "1", "2", "3"))
}

// TestHandOverLooksAgain: what another, who died, left beside a read is served by who comes by.
func TestHandOverLooksAgain(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.says(owner.read("2", ""), "")
	b.directing().Then(func() {
		b.DiesAfter(b.puttingRow(), func() string { return other.write("8", `[2,3],"multi":true`) })
	})
	b.says(other.write("7", "1"), "")
	owner.got("1"+msgs(1, "1"), "2"+msgs(2, "2", "3"))
}
