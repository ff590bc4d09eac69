package pipe_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/pkg/pipe"
	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// limited is a bench whose pipes take so many bytes.
func limited(t *testing.T, bytes int64) *bench {
	b := newBench(t)
	b.pipes.Limits.Bytes = bytes
	return b
}

const full = "-32012 Limit exceeded:[%d bytes of the pipe are unread]"

// of is a message of so many bytes.
func of(bytes int) string { return `"` + strings.Repeat("x", bytes-2) + `"` }

// TestUnreadBytes: what would be too much is refused, and nothing of it is stored, counted or dropped; what is read makes room.
func TestUnreadBytes(t *testing.T) {
	b := limited(t, 100)
	owner, other := b.pair()
	b.says(other.write("1", of(60)), "")
	b.says(other.write("2", of(41)), fmt.Sprintf(full, 60))
	b.says(other.write("3", of(20)), "")
	b.says(other.write("4", `[`+of(11)+`,`+of(10)+`],"multi":true`), fmt.Sprintf(full, 80))
	b.want("A owner head=0.0/0 tail=2/2 count=2 unread=2", "A.0 1/0 "+of(60), "A.1 2/1 "+of(20))
	b.says(other.write("5", `[`+of(10)+`,`+of(10)+`],"multi":true`), "")
	b.says(other.write("6", `1`), fmt.Sprintf(full, 100))
	other.got("1"+ok, "3"+ok, "5"+ok)
	b.says(owner.read("r", `"max":1`), "")
	owner.got("r" + counted(3, 0, 1, of(60)))
	b.says(other.write("7", of(61)), fmt.Sprintf(full, 40))
	b.says(other.write("8", of(60)), "")
	b.says(owner.read("r", `"max":2`), "") // and half of those that came together
	owner.got("r" + counted(2, 0, 2, of(20), of(10)))
	b.says(other.write("9", of(31)), fmt.Sprintf(full, 70))
	b.says(other.write("0", of(30)), "")
	b.says(owner.read("r", ""), "")
	owner.got("r" + msgs(4, of(10), of(60), of(30)))
	b.says(other.write("a", of(101)), fmt.Sprintf(full, 0))
	b.says(other.write("b", of(100)), "")
	other.got("8"+ok, "0"+ok, "b"+ok)
}

// TestUnreadBytesAndAWait: what a read waits for is not unread, and as long as it may be.
func TestUnreadBytesAndAWait(t *testing.T) {
	b := limited(t, 100)
	owner, other := b.pair()
	for n := range 3 {
		b.says(owner.read("r", ""), "")
		b.says(other.write("w", of(300)), "")
		owner.got("r" + msgs(n+1, of(300)))
		other.got("w" + ok)
	}
	b.want("A owner head=0.0/0 tail=0/0 count=3")
}

// TestUnreadBytesAndDrops: what finds no place among the messages is dropped as ever, and has no bytes.
func TestUnreadBytesAndDrops(t *testing.T) {
	b := newBench(t)
	owner, other := b.client("owner"), b.client("other")
	b.pipes.Limits.Bytes = 100
	owner.create(`{"len":2}`)
	b.says(other.write("1", `[`+of(50)+`,`+of(50)+`,`+of(90)+`],"multi":true`), "")
	b.says(other.write("2", of(500)), "")
	other.got("1"+ok, "2"+ok)
	b.says(owner.read("r", ""), "")
	owner.got("r" + counted(0, 2, 1, of(50), of(50)))
	b.want("A owner len=2 head=1.0/2 tail=1/2 count=4", "A.0 1/0 ["+of(50)+","+of(50)+"]")
}

// TestUnreadBytesOfPublications: as many as there is room for are taken, and the rest is dropped and counted, once, however often it comes.
func TestUnreadBytesOfPublications(t *testing.T) {
	b := limited(t, 100)
	owner, _ := b.pair()
	for range 2 {
		b.says(b.publishes(1, of(40), of(40), of(40), of(10)), "true")
		b.want("A owner head=0.0/0 tail=1/2 count=4 unread=2 drops=2 r=4", "A.0 1/0 ["+of(40)+","+of(40)+"]")
	}
	b.says(b.publish(5, of(20)), "true") // which fits
	b.says(b.publish(6, `1`), "true")
	b.says(owner.read("r", ""), "")
	owner.got("r" + fmt.Sprintf(` {"waiting":0,"drops":3,"msgs":[{"msg":%s,"count":1},{"msg":%s,"count":2},{"msg":%s,"count":5}]}`, of(40), of(40), of(20)))
	b.says(b.publish(7, of(100)), "true")
	b.says(owner.read("r", ""), "")
	owner.got("r" + msgs(7, of(100)))
}

// TestUnreadBytesWhileTheyAreRead: who finds too many, and is not the first to write after that, looks again.
func TestUnreadBytesWhileTheyAreRead(t *testing.T) {
	b := limited(t, 100)
	owner, _ := b.pair()
	b.says(b.publish(1, of(100)), "true")
	b.allotting().Run(func() { b.says(owner.read("r", ""), "") })
	b.says(b.publish(2, of(100)), "true")
	owner.got("r" + msgs(1, of(100)))
	b.says(owner.read("r", ""), "")
	owner.got("r" + msgs(2, of(100)))
}

// TestUnreadBytesOfTwoAtATime: of two who both find room for one, one is refused.
func TestUnreadBytesOfTwoAtATime(t *testing.T) {
	b := limited(t, 100)
	owner, other := b.pair()
	b.allotting().Run(func() { b.says(owner.write("1", of(60)), "") })
	b.says(other.write("2", of(60)), fmt.Sprintf(full, 60))
	b.allotting().Run(func() { b.says(owner.write("3", of(20)), "") })
	b.says(other.write("4", of(20)), "") // both fit
	owner.got("1"+ok, "3"+ok)
	other.got("4" + ok)
}

// TestUnreadBytesOfANumberGivenUp: a writer's that died are unread no more.
func TestUnreadBytesOfANumberGivenUp(t *testing.T) {
	b := limited(t, 100)
	owner, other := b.pair()
	b.DiesBefore(b.puttingRow(), func() string { return other.write("1", of(90)) })
	b.says(other.write("2", of(11)), fmt.Sprintf(full, 90))
	b.says(other.write("3", of(10)), "")
	b.Advance(pipe.PlugAge)
	b.says(owner.read("r", ""), "")
	owner.got("r" + fmt.Sprintf(` {"waiting":0,"drops":0,"msgs":[{"msg":%s,"count":2}]}`, of(10)))
	b.DiesBefore(b.puttingRow(), func() string { return other.write("4", of(90)) })
	b.Advance(pipe.PlugAge)
	b.says(owner.read("r", `"timeout":100`), "")
	b.pass(pipe.PlugAge)
	b.says(other.write("5", of(100)), "")
	owner.got("r" + msgs(4, of(100)))
	b.says(other.write("6", of(100)), "")
	other.got("3"+ok, "5"+ok, "6"+ok)
}

// TestAPipeOfAnEarlierVersion: what it holds says nothing of bytes. It goes on, and what is written from now on counts once something was read.
func TestAPipeOfAnEarlierVersion(t *testing.T) {
	for name, later := range map[string]bool{"at once": false, "with functions of both": true} {
		t.Run(name, func(t *testing.T) {
			b := limited(t, 100)
			owner, other := b.pair()
			b.says(other.write("1", of(60)), "")
			b.says(other.write("2", of(30)), "")
			b.earlier(true)
			if later { // one of that version moves the head
				b.says(other.write("3", of(90)), "")
				b.says(owner.read("r", `"max":1`), "")
				b.earlier(false)
				b.says(other.write("4", of(90)), "")
				b.says(owner.read("r", ""), "")
				owner.got("r"+counted(2, 0, 1, of(60)), "r"+msgs(2, of(30), of(90), of(90)))
			} else {
				b.says(other.write("3", of(90)), "")
				b.says(other.write("4", of(90)), "")
				b.says(owner.read("r", ""), "")
				owner.got("r" + msgs(1, of(60), of(30), of(90), of(90)))
			}
			b.says(other.write("5", of(90)), "")
			b.says(other.write("6", of(11)), fmt.Sprintf(full, 90))
			b.says(owner.read("r", ""), "")
			owner.got("r" + msgs(5, of(90)))
			other.got("1"+ok, "2"+ok, "3"+ok, "4"+ok, "5"+ok)
		})
	}
}

// earlier takes from the items of pipes what tells of bytes: from all, or from the head alone.
func (b *bench) earlier(all bool) {
	b.t.Helper()
	for _, i := range b.Table(store.Pipes) {
		parts := []store.Item{i.Map("head")}
		if all {
			parts = append(parts, i, i.Map("tail"))
			for token := range i.Map("made") {
				parts = append(parts, i.Map("made").Map(token))
			}
		}
		for _, part := range parts {
			delete(part, "b")
		}
		if _, err := b.DB.Do(b.t.Context(), store.Write{Table: store.Pipes, Item: i}); err != nil {
			b.t.Fatal(err)
		}
	}
}

// TestLimitOfReads: fewer than a pipe has room for, where that is said.
func TestLimitOfReads(t *testing.T) {
	b := newBench(t)
	b.pipes.Limits.Reads = 2
	owner, other := b.pair()
	b.says(owner.read("1", ""), "")
	b.joining().Run(func() { b.says(owner.read("2", ""), "") })
	b.says(owner.read("3", ""), "-32012 Limit exceeded:[2 reads of the pipe wait]")
	b.says(other.write("w", "1"), "")
	owner.got("1" + msgs(1, "1"))
	b.says(owner.read("4", ""), "")
	b.says(owner.read("5", ""), "-32012 Limit exceeded:[2 reads of the pipe wait]")
	other.got("w" + ok)
}

// TestManyMessagesOfAWrite: counting their bytes takes no more than reading them.
func TestManyMessagesOfAWrite(t *testing.T) {
	b := newBench(t)
	owner := b.client("owner")
	owner.create(`{"len":100000}`)
	const many = 60_000
	b.says(owner.write("w", `[`+strings.Join(slices.Repeat([]string{"1"}, many), ",")+`],"multi":true`), "")
	owner.got("w" + ok)
	for left := many; left > 0; {
		b.says(owner.read("7", `"max":100000`), "")
		var a struct {
			Result struct{ Msgs []json.RawMessage }
		}
		got := owner.Got()
		if err := json.Unmarshal([]byte(got[0]), &a); err != nil || len(a.Result.Msgs) == 0 {
			t.Fatalf("%.100q, %v", got, err)
		}
		left -= len(a.Result.Msgs)
	}
	for _, i := range b.Table(store.Pipes) {
		if head, tail := i.Map("head"), i.Map("tail"); i.Str("row") == "meta" && (head.Int("b") != many || tail.Int("b") != many) {
			t.Errorf("it counts %v and %v", head["b"].(*types.AttributeValueMemberN).Value, tail["b"])
		}
	}
}

const enough = "-32012 Limit exceeded:[the session has 3 pipes]"

// rows are how many pipes the rows of calls tell of.
func (b *bench) rows(want int) {
	b.t.Helper()
	if n := len(b.Table(store.Calls)); n != want {
		b.t.Errorf("%d rows of calls, want %d", n, want)
	}
}

// TestPipesOfASession: those that are open count, and no other session's.
func TestPipesOfASession(t *testing.T) {
	b := newBench(t)
	b.pipes.Limits.Pipes = 3
	owner, other := b.pair() // with one
	b.says(owner.create(`{}`), "B")
	b.says(owner.create(`{}`), "C")
	b.says(owner.create(`{}`), enough)
	b.says(other.create(`{}`), "D")
	b.rows(4)
	owner.close("c")
	owner.got("c" + ok)
	b.rows(3)
	b.says(owner.create(`{}`), "E")
	b.says(owner.create(`{}`), enough)
	b.rows(4)
}

// TestPipesOpenedAndClosed: as many as one likes, one after another; none of them is left to be told of when the session ends.
func TestPipesOpenedAndClosed(t *testing.T) {
	b := newBench(t)
	b.pipes.Limits.Pipes = 3
	owner := b.client("owner")
	for range 20 {
		name := owner.create(`{}`)
		b.says(do(owner, "c", `{"pipeid":"`+b.id(name)+`"}`, pipe.ReadClose, b.pipes.Close), "")
		owner.got("c" + ok)
	}
	b.rows(0)
	b.want()
	writes := b.update().Count() + b.On("DeleteItem").Count()
	owner.end()
	if n := b.update().Count() + b.On("DeleteItem").Count() - writes; n != 0 {
		t.Errorf("the end of the session took %d writes to pipes", n)
	}
}

// TestPipesWhoseCloserDied count until somebody meets the limit, who finds them closed; not those whose handlers may be at work.
func TestPipesWhoseCloserDied(t *testing.T) {
	b := newBench(t)
	b.pipes.Limits.Pipes = 3
	owner, _ := b.pair()
	owner.create(`{}`)
	owner.create(`{}`)
	b.DiesAfter(b.closing(), func() string { return owner.close("c") })
	b.says(owner.create(`{}`), enough)
	b.later()
	b.Advance(time.Millisecond)
	owner.got("c" + ok)
	b.rows(3)
	b.says(owner.create(`{}`), "D")
	b.rows(3)
	b.says(owner.create(`{}`), enough)

	// A pipe that is not there yet.
	owner.end()
	owner = b.client("again")
	b.On("PutItem", `"nexus-pipes"`).Run(func() {
		for _, want := range []string{"E", "F", enough} {
			b.says(owner.create(`{}`), want)
		}
	})
	b.says(owner.create(`{}`), "G")
	b.Advance(pipe.RepairAge + time.Millisecond)
	b.says(owner.create(`{}`), enough)
	b.rows(3 + 3)
	owner.end()
	b.want()
}

// TestPipesThatCannotBeCounted: nothing is made where that is not known.
func TestPipesThatCannotBeCounted(t *testing.T) {
	b := newBench(t)
	owner := b.client("owner")
	b.On("Query", `"nexus-calls"`).Fail(attempts)
	b.says(owner.create(`{}`), "unknown")
	b.rows(0)
	b.want()
}
