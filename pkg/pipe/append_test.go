package pipe_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/pipe"
	"nexus/pkg/store"
)

func TestAppend(t *testing.T) {
	b := newBench(t)
	owner, _ := b.pair()
	b.says(b.publish(1, "1"), "true")
	b.says(b.publish(2, "2"), "true")
	b.want("A owner head=0.0/0 tail=2/2 count=2 unread=2 r=2 in 1", "A.0 1/0 1", "A.1 2/1 2")
	b.says(owner.read("1", ""), "")
	owner.got("1" + msgs(1, "1", "2"))
	b.says(owner.read("2", ""), "")
	b.says(b.publish(3, "3"), "true")
	owner.got("2" + msgs(3, "3"))
	b.want("A owner head=2.0/2 tail=2/2 count=3 r=3", "A.0 1/0 1", "A.1 2/1 2")
	b.says(owner.close("9"), "")
	b.says(b.publish(4, "4"), "false")
	owner.got("9" + ok)
	there, err := b.pipes.Append(b.ctx, "no pipe", pipe.Publications{Row: "r", N: 1})
	if there || err != nil {
		t.Error(there, err)
	}
}

// TestAppendAgain: a repetition puts the same row again, whatever came since, and never another.
func TestAppendAgain(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	for _, n := range []int64{1, 1, 2, 1, 2, 2} {
		b.says(b.publish(n, fmt.Sprint(n)), "true")
	}
	b.says(other.write("7", "7"), "")
	b.says(b.publish(2, "2"), "true")
	b.want("A owner head=0.0/0 tail=3/3 count=3 unread=3 r=2 in 1", "A.0 1/0 1", "A.1 2/1 2", "A.2 3/2 7")
	b.says(owner.read("1", ""), "")
	owner.got("1" + msgs(1, "1", "2", "7"))
	b.says(b.publish(2, "2"), "true")
	b.says(owner.read("2", ""), "")
	b.says(b.publish(2, "2"), "true")
	owner.got()
	b.says(b.publish(3, "3"), "true")
	b.says(b.publish(3, "3"), "true")
	owner.got("2" + msgs(4, "3"))
}

// TestAppendRows: each row of publications has numbers of its own.
func TestAppendRows(t *testing.T) {
	b := newBench(t)
	b.pair()
	for _, row := range []string{"r", "s", "r", ""} {
		there, err := b.pipes.Append(b.ctx, b.id("A"), pipe.Publications{Row: row, N: 5, Messages: raw(`"` + row + `"`)})
		if !there || err != nil {
			t.Error(there, err)
		}
	}
	b.want("A owner head=0.0/0 tail=3/3 count=3 unread=3 r=5 in 0 s=5 in 1", `A.0 1/0 "r"`, `A.1 2/1 "s"`, `A.2 3/2 ""`)
}

// TestAppendDies: whichever request is the fan-out's last, the repetition makes it good: no hole, no double.
func TestAppendDies(t *testing.T) {
	for _, waits := range []bool{false, true} {
		kinds := map[string]func(*bench) harness.Kind{"number": (*bench).allotting, "row": (*bench).puttingRow}
		if waits {
			kinds = map[string]func(*bench) harness.Kind{"hand-over": (*bench).directing, "clearing": (*bench).clearing}
		}
		for name, kind := range kinds {
			t.Run(name, func(t *testing.T) {
				b := newBench(t)
				owner, _ := b.pair()
				if waits {
					b.says(owner.read("1", ""), "")
					b.says(owner.read("2", ""), "")
				}
				b.DiesAfter(kind(b), func() string { return b.publish(1, "1") })
				b.says(b.publish(1, "1"), "true")
				b.says(b.publish(2, "2"), "true")
				if waits {
					b.later()
					owner.got("1"+msgs(1, "1"), "2"+msgs(2, "2"))
					return
				}
				b.want("A owner head=0.0/0 tail=2/2 count=2 unread=2 r=2 in 1", "A.0 1/0 1", "A.1 2/1 2")
			})
		}
	}
}

// TestAppendAfterAPlug: a reader gave the number up before the repetition came, which gets another.
func TestAppendAfterAPlug(t *testing.T) {
	for _, waits := range []bool{false, true} {
		t.Run(fmt.Sprint("waits ", waits), func(t *testing.T) {
			b := newBench(t)
			owner, other := b.pair()
			b.DiesAfter(b.allotting(), func() string { return b.publish(1, "1") })
			b.says(other.write("7", "7"), "")
			b.Advance(pipe.PlugAge)
			b.says(owner.read("1", ""), "")
			owner.got("1" + msgs(2, "7"))
			if waits {
				b.says(owner.read("2", ""), "")
			}
			if !waits {
				b.allotting().Lose(1)
			}
			b.says(b.publish(1, "1"), "true")
			b.says(b.publish(1, "1"), "true")
			if !waits {
				b.want("A owner head=2.0/2 tail=3/3 count=3 unread=1 r=1 in 2", "A.0 plug", "A.1 2/1 7", "A.2 3/2 1")
				b.says(owner.read("2", ""), "")
			}
			owner.got("2" + msgs(3, "1"))
			b.says(b.publish(1, "1"), "true")
			b.says(owner.read("3", ""), "")
			owner.got()
		})
	}
}

// TestAppendToAFullPipe: it is dropped once.
func TestAppendToAFullPipe(t *testing.T) {
	b := newBench(t)
	owner := b.client("owner")
	owner.create(`{"len":1}`)
	b.says(b.publish(1, "1"), "true")
	b.allotting().Lose(1)
	b.says(b.publish(2, "2"), "true")
	b.says(b.publish(2, "2"), "true")
	b.want("A owner len=1 head=0.0/0 tail=1/1 count=2 unread=1 drops=1 r=2", "A.0 1/0 1")
	b.says(owner.read("1", ""), "")
	owner.got("1" + counted(0, 1, 1, "1"))
	b.says(b.publish(2, "2"), "true")
	b.want("A owner len=1 head=1.0/1 tail=1/1 count=2 r=2", "A.0 1/0 1")
}

// TestTwoAppendsAtATime: the stream gives a record to two handlers.
func TestTwoAppendsAtATime(t *testing.T) {
	for name, at := range map[string]func(*bench) harness.Kind{"number": (*bench).allotting, "row": (*bench).puttingRow} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.pair()
			at(b).Run(func() { b.says(b.publish(1, "1"), "true") })
			b.says(b.publish(1, "1"), "true")
			b.want("A owner head=0.0/0 tail=1/1 count=1 unread=1 r=1 in 0", "A.0 1/0 1")
		})
	}
	b := newBench(t)
	owner, _ := b.pair()
	b.says(owner.read("1", ""), "")
	b.says(owner.read("2", ""), "")
	b.directing().Run(func() { b.says(b.publish(1, "1"), "true") })
	b.says(b.publish(1, "1"), "true")
	owner.got("1" + msgs(1, "1"))
	b.want("A owner head=0.0/0 tail=0/0 count=1 waits:2 r=1")
}

func TestLostResponsesOfAnAppend(t *testing.T) {
	for name, at := range map[string]func(*bench) harness.Kind{"number": (*bench).allotting, "row": (*bench).puttingRow} {
		for lost := 1; lost < attempts; lost++ {
			t.Run(fmt.Sprint(name, lost), func(t *testing.T) {
				b := newBench(t)
				b.pair()
				at(b).Lose(lost)
				b.says(b.publish(1, "1"), "true")
				b.want("A owner head=0.0/0 tail=1/1 count=1 unread=1 r=1 in 0", "A.0 1/0 1")
			})
		}
	}
	b := newBench(t)
	owner, _ := b.pair()
	b.says(owner.read("1", ""), "")
	b.says(owner.read("2", ""), "")
	b.directing().Lose(2)
	b.says(b.publish(1, "1"), "true")
	owner.got("1" + msgs(1, "1"))
}

// TestAppendFails: where the message may not be in the pipe the error says so.
func TestAppendFails(t *testing.T) {
	b := newBench(t)
	owner, _ := b.pair()
	b.allotting().Lose(attempts)
	b.says(b.publish(1, "1"), "unknown")
	b.puttingRow().Fail(attempts)
	b.says(b.publish(1, "1"), "unknown")
	b.says(b.publish(1, "1"), "true")
	b.want("A owner head=0.0/0 tail=1/1 count=1 unread=1 r=1 in 0", "A.0 1/0 1")
	b.says(owner.read("1", ""), "")
	owner.got("1" + msgs(1, "1"))
	b.says(owner.read("2", ""), "")
	b.PostTo(owner.Client).Fail(attempts)
	b.says(b.publish(2, "2"), "recorded")
	b.says(b.publish(2, "2"), "true")
	b.later()
	owner.got("2" + msgs(2, "2"))
}

// TestAppendOfASharedBody: rows and hand-overs refer to it, and what is posted again after a death comes from it. Beside others a read is given as
// many messages as fit, whose lengths it knows before it has read them.
func TestAppendOfASharedBody(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	long := `"` + strings.Repeat("x", 50_000) + `"`
	if _, err := b.DB.Do(b.ctx, store.Write{Table: store.Bodies, Item: store.Item{"id": store.S("shared"), "out": store.S(long)}}); err != nil {
		t.Fatal(err)
	}
	publish := func(n int64) {
		t.Helper()
		there, err := b.pipes.Append(b.Context(), b.id("A"), pipe.Publications{Row: "r", N: n, Messages: raw(long), Body: "shared"})
		if !there || err != nil {
			t.Error(there, err)
		}
	}
	for n := range int64(3) {
		publish(n + 1)
	}
	b.says(other.write("7", "7"), "")
	b.want("A owner head=0.0/0 tail=4/4 count=4 unread=4 r=3 in 2", "A.0 1/0 shared:50002", "A.1 2/1 shared:50002", "A.2 3/2 shared:50002", "A.3 4/3 7")
	b.DiesAfter(b.claiming(), func() string { return owner.read("1", "") })
	b.later()
	owner.got(brief("1" + counted(2, 0, 1, long, long)))
	b.says(owner.read("2", ""), "")
	owner.got(brief("2" + msgs(3, long, "7")))
	b.says(owner.read("3", ""), "")
	b.PostTo(owner.Client).Fail(attempts)
	if _, err := b.pipes.Append(b.Context(), b.id("A"), pipe.Publications{Row: "r", N: 4, Messages: raw(long), Body: "shared"}); !call.IsRecorded(err) {
		t.Error(err)
	}
	b.later()
	owner.got(brief("3" + msgs(5, long)))
	if bodies := b.Table(store.Bodies); len(bodies) != 1 {
		t.Errorf("%d bodies", len(bodies))
	}
}

// TestAppendOfSeveral: they are one row, or one hand-over, to a read that takes as many.
func TestAppendOfSeveral(t *testing.T) {
	b := newBench(t)
	owner, _ := b.pair()
	b.says(b.publishes(1, "1", "2", "3"), "true")
	b.want("A owner head=0.0/0 tail=1/3 count=3 unread=3 r=3 in 0 from 1", "A.0 1/0 [1,2,3]")
	b.says(owner.read("1", `"max":2`), "")
	b.says(owner.read("2", ""), "")
	owner.got("1"+counted(1, 0, 1, "1", "2"), "2"+msgs(3, "3"))
	b.says(owner.read("3", ""), "")
	b.says(b.publishes(4, "4", "5"), "true")
	owner.got("3" + msgs(4, "4", "5"))
	b.want("A owner head=1.0/3 tail=1/3 count=5 r=5", "A.0 1/0 [1,2,3]")
	b.says(owner.read("4", `"max":1`), "")
	b.says(owner.read("5", ""), "")
	b.says(b.publishes(6, "6", "7"), "true")
	owner.got("4"+counted(1, 0, 6, "6"), "5"+msgs(7, "7"))
	// Those that the pipe has had are left out.
	b.says(owner.read("6", ""), "")
	for n := int64(1); n <= 7; n++ {
		b.says(b.publishes(n, slices.Repeat([]string{"0"}, int(8-n))...), "true")
	}
	b.says(b.publishes(6, "6", "7", "8", "9"), "true")
	owner.got("6" + msgs(8, "8", "9"))
	b.says(b.publishes(8, "8"), "true")
	b.says(b.publishes(9, "9", "10"), "true")
	b.want("A owner head=2.0/5 tail=3/6 count=10 unread=1 r=10 in 2", "A.0 1/0 [1,2,3]", "A.1 6/3 [6,7]", "A.2 10/5 10")
}

// TestSeveralAreTooMuch for the answer to a read that waits: it gets what fits.
func TestSeveralAreTooMuch(t *testing.T) {
	b := newBench(t)
	owner, _ := b.pair()
	b.says(owner.read("1", ""), "")
	b.says(owner.read("2", ""), "")
	long := `"` + strings.Repeat("x", 60_000) + `"`
	b.says(b.publishes(1, long, long, long), "true")
	owner.got(brief("1"+counted(1, 0, 1, long, long)), brief("2"+msgs(3, long)))
}

// TestAHandOverOfSeveralIsRepaired: the answer is the same again, of short messages and of those that are a body row.
func TestAHandOverOfSeveralIsRepaired(t *testing.T) {
	for _, size := range []int{1, 400} {
		b := newBench(t)
		owner, _ := b.pair()
		b.says(owner.read("1", ""), "")
		text := `"` + strings.Repeat("x", size) + `"`
		b.DiesAfter(b.directing(), func() string { return b.publishes(1, text, text) })
		b.says(b.publishes(1, text, text), "true")
		owner.got()
		b.later()
		owner.got(brief("1" + msgs(1, text, text)))
	}
}

// TestSeveralInAFullPipe: what there is room for is a row, what there is not is dropped, once.
func TestSeveralInAFullPipe(t *testing.T) {
	b := newBench(t)
	owner := b.client("owner")
	owner.create(`{"len":2}`)
	b.allotting().Lose(1)
	b.says(b.publishes(1, "1", "2", "3", "4"), "true")
	b.says(b.publishes(1, "1", "2", "3"), "true")
	b.says(b.publishes(2, "2", "3", "4"), "true")
	b.want("A owner len=2 head=0.0/0 tail=1/2 count=4 unread=2 drops=2 r=4", "A.0 1/0 [1,2]")
	b.says(owner.read("1", ""), "")
	owner.got("1" + counted(0, 2, 1, "1", "2"))
}

// TestAppendInOtherParts: publications come again with fewer or more than those a number was allotted to, whose row is not there. Each is in the pipe
// once, unless it was given up before.
func TestAppendInOtherParts(t *testing.T) {
	for name, c := range map[string]struct {
		first int64
		again []string
		state []string
	}{
		"the same": {1, []string{"1", "2", "3"}, []string{"tail=1/3 count=3 unread=3 r=3 in 0 from 1", "A.0 1/0 [1,2,3]"}},
		"fewer":    {1, []string{"1", "2"}, []string{"tail=2/5 count=5 unread=5 r=2 in 1 from 1", "A.0 plug", "A.1 4/3 [1,2]"}},
		"more": {1, []string{"1", "2", "3", "4"},
			[]string{"tail=2/4 count=4 unread=4 r=4 in 1", "A.0 1/0 [1,2,3]", "A.1 4/3 4"}},
		"the first were given up": {2, []string{"2", "3", "4"},
			[]string{"tail=2/6 count=6 unread=6 r=4 in 1 from 2", "A.0 plug", "A.1 4/3 [2,3,4]"}},
		"all were given up": {4, []string{"4"}, []string{"tail=2/4 count=4 unread=4 r=4 in 1", "A.1 4/3 4"}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.pair()
			b.DiesAfter(b.allotting(), func() string { return b.publishes(1, "1", "2", "3") })
			for range 2 {
				b.says(b.publishes(c.first, c.again...), "true")
				b.want(append([]string{"A owner head=0.0/0 " + c.state[0]}, c.state[1:]...)...)
			}
			if name == "fewer" { // those that went on with more find the rest missing
				b.says(b.publishes(1, "1", "2", "3"), "true")
				b.want("A owner head=0.0/0 tail=3/6 count=6 unread=6 r=3 in 2", "A.0 plug", "A.1 4/3 [1,2]", "A.2 6/5 3")
			}
		})
	}
}

// TestAppendsOfDifferentParts at the same time: who is about to put a row finds its number given up, and goes on with what is missing; and two that
// give up the same number are not both allotted another for the same publications.
func TestAppendsOfDifferentParts(t *testing.T) {
	for name, again := range map[string][]string{"fewer": {"1"}, "some": {"1", "2"}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			owner, _ := b.pair()
			b.puttingRow().Run(func() { b.says(b.publishes(1, again...), "true") })
			b.says(b.publishes(1, "1", "2", "3"), "true")
			b.says(owner.read("1", ""), "")
			owner.got("1" + gapped(again, []string{"1", "2", "3"}[len(again):]))
		})
	}
	b := newBench(t)
	b.pair()
	b.DiesAfter(b.allotting(), func() string { return b.publishes(1, "1", "2", "3") })
	b.allotting().Run(func() { b.says(b.publishes(1, "1"), "true") })
	b.says(b.publishes(1, "1", "2"), "true")
	b.want("A owner head=0.0/0 tail=3/5 count=5 unread=5 r=2 in 2", "A.0 plug", "A.1 4/3 1", "A.2 5/4 2")
}

// gapped is what a read gets of two rows behind a plug of three messages.
func gapped(rows ...[]string) string {
	var list []string
	count := 4
	for _, row := range rows {
		for _, text := range row {
			list = append(list, fmt.Sprintf(`{"msg":%s,"count":%d}`, text, count))
			count++
		}
	}
	return fmt.Sprintf(` {"waiting":0,"drops":0,"msgs":[%s]}`, strings.Join(list, ","))
}
