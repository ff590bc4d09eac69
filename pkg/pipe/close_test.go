package pipe_test

import (
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/pipe"
	"nexus/pkg/store"
)

func TestClose(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.says(owner.read("2", ""), "")
	b.says(owner.close("9"), "")
	owner.got("1"+msgs(0), "2"+msgs(0), "9"+ok)
	b.want()
	b.says(other.write("7", "7"), "-32003 Invalid pipe:[A]")
	owner.create(`{}`)
	b.says(other.write("7", "7"), "-32003 Invalid pipe:[A]")
	b.says(owner.close(""), "-32003 Invalid pipe:[A]")
}

func TestCloseIsANotification(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(other.write("7", "7"), "")
	b.closing().Lose(2)
	b.says(owner.close(""), "")
	b.want("A.0 1/0 7")
	owner.got()
}

// TestCloseAgainstAll: closing between the steps of the others.
func TestCloseAgainstAll(t *testing.T) {
	for _, c := range []struct {
		name  string
		ready func(b *bench, owner, other *client)
		at    func(b *bench, do func())
		run   func(owner, other *client) string
		says  string
		owner []string
		other []string
	}{
		{"a write's number", nil, func(b *bench, do func()) { b.allotting().Run(do) },
			func(_, other *client) string { return other.write("7", "7") }, "-32003 Invalid pipe:[A]", nil, nil},
		{"a write's row", nil, func(b *bench, do func()) { b.puttingRow().Run(do) },
			func(_, other *client) string { return other.write("7", "7") }, "", nil, []string{"7" + ok}},
		{"a write to a read", func(b *bench, owner, _ *client) { b.says(owner.read("1", ""), "") },
			func(b *bench, do func()) { b.directing().Run(do) },
			func(_, other *client) string { return other.write("7", "7") }, "-32003 Invalid pipe:[A]", []string{"1" + msgs(0)}, nil},
		{"a hand-over's post", func(b *bench, owner, _ *client) { b.says(owner.read("1", ""), "") },
			func(b *bench, do func()) { b.directing().Then(do) },
			func(_, other *client) string { return other.write("7", "7") }, "", []string{"1" + msgs(1, "7")}, []string{"7" + ok}},
		{"a hand-over's clearing", func(b *bench, owner, _ *client) { b.says(owner.read("1", ""), "") },
			func(b *bench, do func()) { b.clearing().Run(do) },
			func(_, other *client) string { return other.write("7", "7") }, "", []string{"1" + msgs(1, "7")}, []string{"7" + ok}},
		{"a read's joining", nil, func(b *bench, do func()) { b.joining().Run(do) },
			func(owner, _ *client) string { return owner.read("1", "") }, "-32003 Invalid pipe:[A]", nil, nil},
		{"a read that joined", nil, func(b *bench, do func()) { b.joining().Then(do) },
			func(owner, _ *client) string { return owner.read("1", "") }, "", []string{"1" + msgs(0)}, nil},
		{"a claim", func(b *bench, _, other *client) { b.says(other.write("6", "6"), "") },
			func(b *bench, do func()) { b.claiming().Run(do) },
			func(owner, _ *client) string { return owner.read("1", "") }, "-32003 Invalid pipe:[A]", nil, []string{"6" + ok}},
		{"a claim's clearing", func(b *bench, _, other *client) { b.says(other.write("6", "6"), "") },
			func(b *bench, do func()) { b.clearing().Run(do) },
			func(owner, _ *client) string { return owner.read("1", "") }, "", []string{"1" + msgs(1, "6")}, []string{"6" + ok}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			owner, other := b.pair()
			if c.ready != nil {
				c.ready(b, owner, other)
			}
			c.at(b, func() { b.says(owner.close("9"), "") })
			b.says(c.run(owner, other), c.says)
			owner.got(append(c.owner, "9"+ok)...)
			other.got(c.other...)
			for _, i := range b.Table(store.Pipes) {
				if i.Str("row") == "meta" {
					t.Errorf("left is %s", b.meta(i))
				}
			}
			b.later()
			owner.got()
			other.got()
		})
	}
}

// TestCloseDies: the reads and the closer are answered whenever its handler dies, and the pipe goes.
func TestCloseDies(t *testing.T) {
	for name, at := range map[string]func(b *bench, owner *client) harness.Kind{
		"after closing":  func(b *bench, _ *client) harness.Kind { return b.closing() },
		"after the post": func(b *bench, owner *client) harness.Kind { return b.PostTo(owner.Client).With(`"msgs":[]`) },
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			owner, other := b.pair()
			b.says(owner.read("1", ""), "")
			b.DiesAfter(b.directing(), func() string { return other.write("7", "7") })
			b.says(owner.read("2", ""), "")
			b.DiesAfter(at(b, owner), func() string { return owner.close("9") })
			owner.Got()
			b.Advance(pipe.RepairAge - time.Millisecond)
			b.repair()
			owner.got()
			b.Advance(time.Millisecond)
			b.repair()
			owner.got("1"+msgs(1, "7"), "2"+` {"waiting":0,"drops":0,"msgs":[]}`, "9"+ok)
			other.got("7" + ok)
			b.want()
		})
	}
}

func TestLostResponsesOfClosing(t *testing.T) {
	kinds := map[string]func(*bench) harness.Kind{"close": (*bench).closing,
		"delete": func(b *bench) harness.Kind { return b.On("DeleteItem", "nexus-pipes") }}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			owner, _ := b.pair()
			b.says(owner.read("1", ""), "")
			kind(b).Lose(2)
			b.says(owner.close("9"), "")
			owner.got("1"+msgs(0), "9"+ok)
			b.want()
		})
	}
}

func TestClosingFails(t *testing.T) {
	b := newBench(t)
	owner, _ := b.pair()
	b.says(owner.read("1", ""), "")
	b.closing().Fail(attempts)
	b.says(owner.close("8"), "unknown")
	b.closing().Lose(attempts)
	b.says(owner.close("9"), "recorded")
	b.want("A owner head=0.0/0 tail=0/0 waits:1 owed:owner/9 closed=0s [refused]")
	b.later()
	owner.got("1"+msgs(0), "9"+ok)
	b.want()
}

// TestSessionEnds: its pipes go, with what waits and what is on its way; nobody is told.
func TestSessionEnds(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	owner.create(`{}`)
	b.says(owner.read("1", ""), "")
	b.says(do(owner, "2", b.on("B"), pipe.ReadRead, b.pipes.Read), "")
	b.says(other.create(`{}`), "C")
	owner.end()
	b.want("C other head=0.0/0 tail=0/0")
	b.says(other.write("7", "7"), "-32003 Invalid pipe:[A]")
	b.pass(2 * time.Minute)
	b.want("C other head=0.0/0 tail=0/0")
}

// TestSessionEndsLater: a pipe that is older than any fresh row is found, too.
func TestSessionEndsLater(t *testing.T) {
	b := newBench(t)
	owner, _ := b.pair()
	b.Advance(119 * time.Minute)
	owner.end()
	b.want()
}

// TestSessionEndsWhileCreating: the pipe that comes late goes at the next clean-up.
func TestSessionEndsWhileCreating(t *testing.T) {
	b := newBench(t)
	owner := b.client("owner")
	b.On("PutItem", `"nexus-pipes"`).Run(owner.end)
	b.says(owner.create(`{}`), "A")
	b.want("A owner head=0.0/0 tail=0/0")
	b.pass(5 * time.Second)
	b.want()
}

// TestCreateAnew: a creation that got no response may come when the pipe is gone. It is another pipe's, and that one's session takes it along.
func TestCreateAnew(t *testing.T) {
	b := newBench(t)
	owner := b.client("owner")
	arrive := b.On("PutItem", `"nexus-pipes"`).Stray(1)
	b.says(owner.create(`{}`), "A")
	b.says(owner.close("2"), "")
	b.want()
	arrive()
	b.says(owner.read("3", ""), "-32003 Invalid pipe:[A]")
	if n := len(b.Table(store.Pipes)); n != 1 {
		t.Errorf("%d pipes, want that which came late", n)
	}
	owner.end()
	b.want()
}

// TestCreateDies leaves a row that names nothing, or a pipe that its session's end finds. So does each attempt that got no response.
func TestCreateDies(t *testing.T) {
	b := newBench(t)
	owner := b.client("owner")
	b.DiesBefore(b.On("PutItem", `"nexus-pipes"`), func() string { return owner.create(`{}`) })
	b.want()
	b.DiesAfter(b.On("PutItem", `"nexus-pipes"`), func() string { return owner.create(`{}`) })
	b.On("PutItem", `"nexus-pipes"`).Lose(2)
	b.says(owner.create(`{}`), "A")
	b.names = map[string]string{owner.Connid: "owner"}
	const empty = " owner head=0.0/0 tail=0/0"
	b.want("A"+empty, "B"+empty, "C"+empty, "D"+empty)
	owner.end()
	b.want()
}

// TestReaderIsGone: a delivery that meets 410 ends the reader's session; the writer is answered all the same.
func TestReaderIsGone(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.says(owner.read("2", ""), "")
	owner.Lost()
	b.says(other.write("7", "7"), "")
	other.got("7" + ok)
	b.want()
	b.says(other.write("8", "8"), "-32003 Invalid pipe:[A]")
}

// TestReaderIsGoneAtItsClaim: the reader's own post meets 410.
func TestReaderIsGoneAtItsClaim(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(other.write("7", "7"), "")
	b.claiming().Then(owner.Lost)
	b.says(owner.read("1", ""), "")
	b.want("A.0 1/0 7")
}

// TestWriterIsGone: the message was accepted, and is delivered.
func TestWriterIsGone(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	other.Lost()
	b.says(other.write("7", "7"), "")
	b.says(other.write("8", "8"), "")
	owner.got("1" + msgs(1, "7"))
	b.want("A owner head=0.0/0 tail=1/1 count=2 unread=1", "A.0 2/0 8")
}

// TestSessionEndsDuringAHandOver: what is owed to the writer outlives the pipe until it is paid.
func TestSessionEndsDuringAHandOver(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.directing().Then(owner.end)
	b.says(other.write("7", "7"), "")
	other.got("7" + ok)
	b.want()
}

// TestSessionEndsAfterADeath: the writer's handler died before it said ok.
func TestSessionEndsAfterADeath(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.DiesAfter(b.directing(), func() string { return other.write("7", "7") })
	owner.end()
	b.want("A owner head=0.0/0 tail=0/0 count=1 owed:other/7 closed=0s")
	b.later()
	other.got("7" + ok)
	b.want()
}

// TestEndedIsToldTwice, and of another session's pipe: a row says what a session has to do with, not what is its own.
func TestEndedIsToldTwice(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	rows, _, _, err := b.pipes.Rows.Page(b.ctx, owner.Connid, call.Cursor{}, 0)
	b.Try(err)
	if len(rows) != 1 || rows[0].Kind != pipe.Kind {
		t.Fatalf("rows %v", rows)
	}
	b.Try(b.pipes.Ended(b.ctx, call.End{Connid: other.Connid}, rows))
	b.want("A owner head=0.0/0 tail=0/0")
	b.Try(b.pipes.Ended(b.ctx, call.End{Connid: owner.Connid}, rows))
	b.Try(b.pipes.Ended(b.ctx, call.End{Connid: owner.Connid}, rows))
	b.want()
}

// TestManyPipes: a session may have had many.
func TestManyPipes(t *testing.T) {
	b := newBench(t)
	owner := b.client("owner")
	for range 300 {
		if got := do(owner, "1", `{}`, pipe.ReadCreate, b.pipes.Create); !strings.Contains(got, "pipeid") {
			t.Fatal(got)
		}
	}
	owner.end()
	if left := len(b.Table(store.Pipes)); left != 0 {
		t.Errorf("%d pipes are left", left)
	}
}

// TestClosedStaysClosed: whoever read the pipe while it was open does nothing to it any more, though its closing is not over.
func TestClosedStaysClosed(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	dies := func() { b.DiesAfter(b.closing(), func() string { return owner.close("9") }) }
	b.says(owner.read("1", `"timeout":1`), "")
	b.directing().Run(dies)
	b.says(other.write("7", "7"), "-32003 Invalid pipe:[A]")
	b.want("A owner head=0.0/0 tail=0/0 waits:1 dl=1s armed owed:owner/9 closed=0s")
	b.pass(time.Second)
	owner.got()
	b.later()
	owner.got("1"+msgs(0), "9"+ok)
	b.want()

	b.names = map[string]string{owner.Connid: "owner", other.Connid: "other"}
	owner.create(`{}`)
	b.says(other.write("7", "7"), "")
	b.claiming().Run(dies)
	b.says(owner.read("1", ""), "-32003 Invalid pipe:[A]")
	b.later()
	owner.got("9" + ok)
	b.want("A.0 1/0 7")
}
