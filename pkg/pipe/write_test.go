package pipe_test

import (
	"fmt"
	"strings"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/pipe"
)

func TestCreate(t *testing.T) {
	b := newBench(t)
	owner := b.client("owner")
	for _, c := range []struct{ params, want, state string }{
		{`{}`, "A", ""}, {`{"len":1}`, "B", " len=1"}, {`{"len":0}`, "C", ""}, {`{"len":-5}`, "D", ""}, {`{"len":100000}`, "E", " len=100000"},
		{`{"len":100001}`, "F", ""}, {`{"len":1e400}`, "G", ""}, {`{"len":-1e400}`, "H", ""}, {`{"len":"5"}`, "-32602 Invalid params:[len]", ""},
	} {
		b.says(owner.create(c.params), c.want)
	}
	b.want("A owner head=0.0/0 tail=0/0", "B owner len=1 head=0.0/0 tail=0/0", "C owner head=0.0/0 tail=0/0", "D owner head=0.0/0 tail=0/0",
		"E owner len=100000 head=0.0/0 tail=0/0", "F owner len=100000 head=0.0/0 tail=0/0", "G owner len=100000 head=0.0/0 tail=0/0",
		"H owner head=0.0/0 tail=0/0")
}

func TestWriteAndRead(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(other.write("7", `{"a":[1, 2]}`), "")
	b.says(owner.write("8", `"x"`), "")
	b.want("A owner head=0.0/0 tail=2/2 count=2 unread=2", `A.0 1/0 {"a":[1, 2]}`, `A.1 2/1 "x"`)
	other.got("7" + ok)
	owner.got("8" + ok)
	b.says(owner.read("9", ""), "")
	owner.got("9" + msgs(1, `{"a":[1, 2]}`, `"x"`))
	b.want("A owner head=2.0/2 tail=2/2 count=2", `A.0 1/0 {"a":[1, 2]}`, `A.1 2/1 "x"`)
}

func TestWriteToARead(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.says(owner.read("2", `"max":3`), "")
	b.want("A owner head=0.0/0 tail=0/0 waits:1 waits:2 max=3")
	b.clearing().Run(func() { b.want("A owner head=0.0/0 tail=0/0 count=1 waits:2 max=3 handed:1 [5] count=0 owed:other/7") })
	b.says(other.write("7", "5"), "")
	b.want("A owner head=0.0/0 tail=0/0 count=1 waits:2 max=3")
	owner.got("1" + msgs(1, "5"))
	other.got("7" + ok)
	b.says(other.write("", "6"), "") // a notification
	b.want("A owner head=0.0/0 tail=0/0 count=2")
	owner.got("2" + msgs(2, "6"))
	other.got()
}

func TestMulti(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(other.write("7", `[1, null,"<" ,[ ]],"multi":true`), "")
	b.says(other.write("8", `[],"multi":true`), `{"ok":true}`)
	b.says(other.write("9", `[1]`), "")
	b.says(other.write("10", `[[5]],"multi":true`), "")
	b.says(other.write("11", `5,"multi":true`), "-32602 Invalid params:[msg: no array]")
	b.says(other.write("12", `null,"multi":true`), "-32602 Invalid params:[msg: no array]")
	b.want("A owner head=0.0/0 tail=3/6 count=6 unread=6", `A.0 1/0 [1,null,"<",[ ]]`, "A.1 5/4 [1]", "A.2 6/5 [5]")
	b.says(owner.read("1", `"max":2`), "")
	owner.got("1" + counted(4, 0, 1, "1", "null"))
	b.want("A owner head=0.2/2 tail=3/6 count=6 unread=4", `A.0 1/0 [1,null,"<",[ ]]`, "A.1 5/4 [1]", "A.2 6/5 [5]")
	b.says(owner.read("2", `"max":3`), "")
	owner.got("2" + counted(1, 0, 3, `"<"`, "[ ]", "[1]"))
	b.says(owner.read("3", ""), "")
	owner.got("3" + msgs(6, "[5]"))
}

// TestMultiToReads: several reads share one write, each in its turn and up to its max.
func TestMultiToReads(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", `"max":2`), "")
	b.says(owner.read("2", ""), "")
	b.says(owner.read("3", ""), "")
	b.says(other.write("7", `[1,2,3],"multi":true`), "")
	owner.got("1"+counted(1, 0, 1, "1", "2"), "2"+msgs(3, "3"))
	other.got("7" + ok)
	b.want("A owner head=1.0/3 tail=1/3 count=3 waits:3", "A.0 1/0 [1,2,3]")
}

func TestDrops(t *testing.T) {
	b := newBench(t)
	owner, other := b.client("owner"), b.client("other")
	owner.create(`{"len":3}`)
	b.says(other.write("1", "1"), "")
	b.says(other.write("2", `[2,3,4,5],"multi":true`), "") // the newest are dropped
	b.says(other.write("3", "6"), "")
	other.got("1"+ok, "2"+ok, "3"+ok)
	b.want("A owner len=3 head=0.0/0 tail=2/3 count=6 unread=3 drops=3", "A.0 1/0 1", "A.1 2/1 [2,3]")
	b.says(owner.read("4", `"max":1`), "")
	owner.got("4" + counted(2, 3, 1, "1"))
	b.says(other.write("5", "7"), "")
	b.says(owner.read("6", ""), "")
	owner.got("6" + ` {"waiting":0,"drops":0,"msgs":[{"msg":2,"count":2},{"msg":3,"count":3},{"msg":7,"count":7}]}`)
}

func TestNoMessageIsNull(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(other.write("1", "null"), "")
	b.says(other.write("2", `null,"multi":false`), "")
	b.says(owner.read("3", ""), "")
	owner.got("3" + msgs(1, "null", "null"))
}

// TestBytes: a message comes back byte for byte, from a row, and from a hand-over that holds it or names it.
func TestBytes(t *testing.T) {
	for _, size := range []int{2, 512, 513, 119 << 10, 120 << 10} {
		msg := `"` + strings.Repeat("<", size-2) + `"`
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			b := newBench(t)
			owner, other := b.pair()
			whole := func() {
				t.Helper()
				got := owner.Got()
				if len(got) != 1 || !strings.Contains(got[0], `[{"msg":`+msg+`,"count":`) || len(got[0]) > 128<<10 {
					t.Errorf("%d answers", len(got))
				}
			}
			b.says(owner.read("1", ""), "")
			b.says(other.write("2", msg), "")
			whole()
			b.says(other.write("3", msg), "")
			b.says(owner.read("4", ""), "")
			whole()
			other.got("2"+ok, "3"+ok)
		})
	}
	b := newBench(t)
	owner, _ := b.pair()
	b.says(owner.write("1", `"`+strings.Repeat("<", 120<<10-1)+`"`), "-32602 Invalid params:[msg: over 120 KB]")
	b.says(owner.write("1", `["`+strings.Repeat("<", 120<<10-1)+`"],"multi":true`), "-32602 Invalid params:[msg: over 120 KB]")
}

// TestLongIDs: ids of 64 bytes are in the pipe, longer ones beside it.
func TestLongIDs(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	short, long := `"`+strings.Repeat("s", 62)+`"`, `"`+strings.Repeat("l", 254)+`"`
	b.says(owner.read(short, ""), "")
	b.says(owner.read(long, ""), "")
	b.want("A owner head=0.0/0 tail=0/0 waits:" + short + " waits:long")
	b.says(other.write("1", "1"), "")
	b.clearing().Run(func() { b.want("A owner head=0.0/0 tail=0/0 count=2 handed:long [2] count=1 owed:other/long") })
	b.says(other.write(long, "2"), "")
	owner.got(short+msgs(1, "1"), long+msgs(2, "2"))
	other.got("1"+ok, long+ok)
}

// TestManyHandOvers: those beyond the eighth at a time do not hold their message.
func TestManyHandOvers(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	for n := range 10 {
		b.says(owner.read(fmt.Sprint(n), ""), "")
	}
	for n := range 9 {
		b.DiesAfter(b.directing(), func() string { return other.write(fmt.Sprint(n), fmt.Sprint(n)) })
	}
	b.says(other.write("9", "9"), "")
	owner.got("9" + msgs(10, "9"))
	if n := b.On("PutItem", `"nexus-bodies"`).Count(); n != 2 {
		t.Errorf("%d bodies, want those of the ninth and tenth", n)
	}
	b.later()
	owner.got("0"+msgs(1, "0"), "1"+msgs(2, "1"), "2"+msgs(3, "2"), "3"+msgs(4, "3"), "4"+msgs(5, "4"), "5"+msgs(6, "5"), "6"+msgs(7, "6"),
		"7"+msgs(8, "7"), "8"+msgs(9, "8"))
	b.want("A owner head=0.0/0 tail=0/0 count=10")
}

// TestMetaStaysSmall: what is remembered of writes is bounded.
func TestMetaStaysSmall(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	for n := range 50 {
		b.says(other.write(fmt.Sprint(n), "1"), "")
	}
	for _, i := range b.Table("pipes") {
		if i.Str("row") == "meta" && len(i.Map("made")) > 4 {
			t.Errorf("%d writes are remembered", len(i.Map("made")))
		}
	}
	b.says(owner.read("r", `"max":1000`), "")
	if got := owner.Got(); len(got) != 1 || strings.Count(got[0], `"msg":1`) != 50 {
		t.Errorf("%d answers: %s", len(got), got)
	}
}

func TestNoPipe(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	for _, id := range []string{"", "nothing", "01KATY7X8ZQ4M2N6P9R3S5T1V0", strings.Repeat("x", 3000)} {
		params := `{"pipeid":"` + id + `"}`
		for _, got := range []string{do(other, "1", params, pipe.ReadWrite, b.pipes.Write), do(other, "1", params, pipe.ReadRead, b.pipes.Read),
			do(other, "1", params, pipe.ReadClose, b.pipes.Close)} {
			if !strings.HasPrefix(got, "-32003 Invalid pipe") || len(got) > 120 {
				t.Errorf("of %.30q: %s", id, got)
			}
		}
	}
	b.says(other.read("1", ""), "-32003 Invalid pipe:[A]")
	b.says(other.close("1"), "-32003 Invalid pipe:[A]")
	b.says(owner.close("2"), "")
	b.says(owner.close("3"), "-32003 Invalid pipe:[A]")
	b.says(owner.read("3", ""), "-32003 Invalid pipe:[A]")
	b.says(owner.write("3", "1"), "-32003 Invalid pipe:[A]")
	b.says(owner.write("3", `[],"multi":true`), "-32003 Invalid pipe:[A]")
	owner.got("2" + ok)
}

// Lost responses: whichever it is, each message is read once and each call answered once.
func TestLostResponsesOfAWrite(t *testing.T) {
	kinds := map[string]func(*bench) harness.Kind{"get": (*bench).getting, "allot": (*bench).allotting, "row": (*bench).puttingRow}
	for name, kind := range kinds {
		for lost := 1; lost < attempts; lost++ {
			t.Run(fmt.Sprint(name, lost), func(t *testing.T) {
				b := newBench(t)
				owner, other := b.pair()
				kind(b).Lose(lost)
				b.says(other.write("7", "1"), "")
				b.says(other.write("8", "2"), "")
				b.want("A owner head=0.0/0 tail=2/2 count=2 unread=2", "A.0 1/0 1", "A.1 2/1 2")
				other.got("7"+ok, "8"+ok)
				b.says(owner.read("9", ""), "")
				owner.got("9" + msgs(1, "1", "2"))
			})
		}
	}
}

func TestLostResponsesOfAHandOver(t *testing.T) {
	kinds := map[string]func(*bench) harness.Kind{"direct": (*bench).directing, "clear": (*bench).clearing}
	for name, kind := range kinds {
		for lost := 1; lost < attempts; lost++ {
			t.Run(fmt.Sprint(name, lost), func(t *testing.T) {
				b := newBench(t)
				owner, other := b.pair()
				b.says(owner.read("1", ""), "")
				b.says(owner.read("2", ""), "")
				kind(b).Lose(lost)
				b.says(other.write("7", "1"), "")
				b.want("A owner head=0.0/0 tail=0/0 count=1 waits:2")
				other.got("7" + ok)
				owner.got("1" + msgs(1, "1"))
			})
		}
	}
}

// TestLostResponseAmongWriters: others get numbers between the attempts of one.
func TestLostResponseAmongWriters(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.allotting().Lose(1)
	b.allotting().Then(func() {
		b.allotting().Run(func() {
			for _, id := range []string{"7", "8", "9"} {
				b.says(owner.write(id, id), "")
			}
		})
	})
	b.says(other.write("1", "1"), "")
	b.want("A owner head=0.0/0 tail=4/4 count=4 unread=4", "A.0 1/0 1", "A.1 2/1 7", "A.2 3/2 8", "A.3 4/3 9")
	other.got("1" + ok)
}

// TestLostResponseOfADrop: dropped messages are counted once.
func TestLostResponseOfADrop(t *testing.T) {
	b := newBench(t)
	owner, other := b.client("owner"), b.client("other")
	owner.create(`{"len":1}`)
	b.says(other.write("1", "1"), "")
	b.allotting().Lose(2)
	b.says(other.write("2", "2"), "")
	b.want("A owner len=1 head=0.0/0 tail=1/1 count=2 unread=1 drops=1", "A.0 1/0 1")
	other.got("1"+ok, "2"+ok)
}

// TestForgottenDrop: so many others drop between the attempts of a drop that the pipe has forgotten it, if it was. Then its writer is told that
// nobody knows. It is counted once in any case.
func TestForgottenDrop(t *testing.T) {
	for _, test := range []struct {
		carriedOut bool // the first attempt
		others     int
		says       string
		drops      int
	}{
		{true, 3, "", 5},
		{true, 4, "unknown", 6},
		{false, 4, "", 6}, // the first other's shows that it was not carried out
		{false, 5, "unknown", 5},
	} {
		t.Run(fmt.Sprint(test.carriedOut, test.others), func(t *testing.T) {
			b := newBench(t)
			owner, other := b.client("owner"), b.client("other")
			owner.create(`{"len":1}`)
			b.says(other.write("1", "1"), "")
			if test.carriedOut {
				b.allotting().Lose(1)
			} else {
				b.allotting().Fail(1)
			}
			b.allotting().Run(func() { // before the first attempt
				b.allotting().Run(func() { // before the second
					for n := range test.others {
						b.says(owner.write(fmt.Sprint(n+2), "2"), "")
					}
				})
			})
			b.says(other.write("9", `[8,9],"multi":true`), test.says)
			b.want(fmt.Sprintf("A owner len=1 head=0.0/0 tail=1/1 count=%d unread=1 drops=%d", test.drops+1, test.drops), "A.0 1/0 1")
		})
	}
}

// TestWriteFails: where nothing is known to be written the caller hears of it; where a hand-over may be recorded, its record answers.
func TestWriteFails(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.getting().Fail(attempts)
	b.says(other.write("1", "1"), "unknown")
	b.allotting().Fail(attempts)
	b.says(other.write("2", "2"), "unknown")
	b.want("A owner head=0.0/0 tail=0/0")
	b.puttingRow().Fail(attempts)
	b.says(other.write("3", "3"), "unknown")
	b.want("A owner head=0.0/0 tail=1/1 count=1 unread=1")
	b.Advance(pipe.PlugAge)
	b.says(owner.read("9", ""), "") // gives the number up
	b.want("A owner head=1.0/1 tail=1/1 count=1 waits:9", "A.0 plug")
	b.directing().Fail(attempts)
	b.says(other.write("4", "4"), "unknown")
	b.directing().Lose(attempts)
	b.says(other.write("5", "5"), "recorded")
	b.want("A owner head=1.0/1 tail=1/1 count=2 handed:9 [5] count=1 owed:other/5 [refused]", "A.0 plug")
	other.got()
	b.later()
	other.got("5" + ok)
	owner.got("9" + msgs(2, "5"))
	b.want("A owner head=1.0/1 tail=1/1 count=2 [refused]", "A.0 plug")
}
