package pipe_test

import (
	"fmt"
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
	there, err := b.pipes.Append(b.ctx, "no pipe", pipe.Publication{Row: "r", N: 1})
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
		there, err := b.pipes.Append(b.ctx, b.id("A"), pipe.Publication{Row: row, N: 5, Message: []byte(`"` + row + `"`)})
		if !there || err != nil {
			t.Error(there, err)
		}
	}
	b.want("A owner head=0.0/0 tail=3/3 count=3 unread=3 r=5 in 0 s=5 in 1", `A.0 1/0 "r"`, `A.1 2/1 "s"`, `A.2 3/2 ""`)
}

// TestAppendDies: whichever request is the fan-out's last, the repetition makes it good: no hole, no double.
func TestAppendDies(t *testing.T) {
	for _, waits := range []bool{false, true} {
		kinds := map[string]func(*bench) harness.Kind{"number": (*bench).alloting, "row": (*bench).puttingRow}
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
			b.DiesAfter(b.alloting(), func() string { return b.publish(1, "1") })
			b.says(other.write("7", "7"), "")
			b.Advance(pipe.PlugAge)
			b.says(owner.read("1", ""), "")
			owner.got("1" + msgs(2, "7"))
			if waits {
				b.says(owner.read("2", ""), "")
			}
			if !waits {
				b.alloting().Lose(1)
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
	b.alloting().Lose(1)
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
	for name, at := range map[string]func(*bench) harness.Kind{"number": (*bench).alloting, "row": (*bench).puttingRow} {
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
	for name, at := range map[string]func(*bench) harness.Kind{"number": (*bench).alloting, "row": (*bench).puttingRow} {
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
	b.alloting().Lose(attempts)
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

// TestAppendOfASharedBody: rows and hand-overs refer to it, and what is posted again after a death comes from it. Beside others a read is given as many
// messages as fit, whose lengths it knows before it has read them.
func TestAppendOfASharedBody(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	long := `"` + strings.Repeat("x", 50_000) + `"`
	if _, err := b.DB.Do(b.ctx, store.Write{Table: store.Bodies, Item: store.Item{"id": store.S("shared"), "out": store.S(long)}}); err != nil {
		t.Fatal(err)
	}
	publish := func(n int64) {
		t.Helper()
		there, err := b.pipes.Append(b.Context(), b.id("A"), pipe.Publication{Row: "r", N: n, Message: []byte(long), Body: "shared"})
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
	if _, err := b.pipes.Append(b.Context(), b.id("A"), pipe.Publication{Row: "r", N: 4, Message: []byte(long), Body: "shared"}); !call.IsRecorded(err) {
		t.Error(err)
	}
	b.later()
	owner.got(brief("3" + msgs(5, long)))
	if bodies := b.Table(store.Bodies); len(bodies) != 1 {
		t.Errorf("%d bodies", len(bodies))
	}
}
