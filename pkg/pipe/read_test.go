package pipe_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/pipe"
)

func TestReadParams(t *testing.T) {
	b := newBench(t)
	owner, _ := b.pair()
	b.says(owner.read("1", `"max":"2"`), "-32602 Invalid params:[max]")
	b.says(owner.read("1", `"timeout":"2"`), "-32602 Invalid params:[timeout]")
	b.says(do(owner, "1", `{}`, pipe.ReadRead, b.pipes.Read), "-32602 Invalid params:[pipeid]")
	b.says(do(owner, "1", `{"pipeid":5}`, pipe.ReadWrite, b.pipes.Write), "-32602 Invalid params:[pipeid]")
	b.says(owner.read("1", `"max":0`), "")
	b.says(owner.read("2", `"max":-3,"timeout":-1`), "")
	b.says(owner.read("3", `"max":1e18,"timeout":0`), "")
	b.says(owner.read("", ""), "") // a notification
	b.want("A owner head=0.0/0 tail=0/0 waits:1 waits:2 waits:3 max=100000")
}

func TestReadTakesAtMostMax(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(other.write("1", `[1,2,3,4,5,6,7,8,9,10,11,12],"multi":true`), "")
	b.says(owner.read("2", ""), "")
	owner.got("2" + counted(2, 0, 1, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"))
	b.says(owner.read("3", `"max":1`), "")
	owner.got("3" + counted(1, 0, 11, "11"))
	b.says(owner.read("4", `"max":100000`), "")
	owner.got("4" + msgs(12, "12"))
}

// TestReadTakesAsManyAsFit: an answer is one message of 128 KB at most; what does not fit stays.
func TestReadTakesAsManyAsFit(t *testing.T) {
	for _, size := range []int{1, 300, 3000, 30 << 10, 100 << 10, 120 << 10} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			b := newBench(t)
			owner, _ := b.client("owner"), b.client("other")
			owner.create(`{"len":100000}`)
			msg := strings.Repeat("7", size)
			each := len(`{"msg":,"count":1234},`) + size
			n := 3*(128<<10)/each + 1
			for range n {
				if size == 1 {
					break
				}
				b.says(owner.write("", msg), "")
			}
			if size == 1 {
				n = 12000
				b.says(owner.write("", `[`+strings.Repeat("7,", 11999)+`7],"multi":true`), "")
			}
			read := 0
			for answers := 1; read < n; answers++ {
				b.says(owner.read("1", `"max":100000`), "")
				got := owner.Got()
				if len(got) != 1 || len(got[0]) > 128<<10 {
					t.Fatalf("%d answers", len(got))
				}
				here := strings.Count(got[0], `"count":`)
				if room := 128<<10 - len(got[0]); read+here < n && room > each+40 {
					t.Errorf("answer %d has room for %d bytes", answers, room)
				}
				if !strings.Contains(got[0], fmt.Sprintf(`"waiting":%d,`, n-read-here)) || !strings.Contains(got[0], fmt.Sprintf(`,"count":%d}`, read+1)) {
					t.Errorf("answer %d: %.60s", answers, got[0])
				}
				read += here
			}
			if read != n {
				t.Errorf("%d messages read of %d", read, n)
			}
		})
	}
}

func TestReadsWaitInTurn(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	for n := range pipe.MaxReads {
		b.says(owner.read(fmt.Sprint(n), ""), "")
	}
	b.says(owner.read("33", ""), "-32603 Internal error:[too many reads]")
	b.says(other.write("7", `"a"`), "")
	owner.got("0" + msgs(1, `"a"`))
	b.says(owner.read("33", ""), "")
	b.says(owner.read("34", ""), "-32603 Internal error:[too many reads]")
	b.says(other.write("8", `"b"`), "")
	owner.got("1" + msgs(2, `"b"`))
}

func TestReadTimesOut(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", `"timeout":5`), "")
	b.says(owner.read("2", `"timeout":0.001`), "")
	b.says(owner.read("3", ""), "")
	b.want("A owner head=0.0/0 tail=0/0 waits:1 dl=5s armed waits:2 dl=1ms armed waits:3")
	b.timers("1s pipe.deadline A", "5s pipe.deadline A")
	b.pass(4 * time.Second)
	owner.got("2" + msgs(0))
	b.pass(time.Second)
	owner.got("1" + msgs(0))
	b.want("A owner head=0.0/0 tail=0/0 waits:3")
	b.says(other.write("7", "1"), "")
	owner.got("3" + msgs(1, "1"))
}

// TestLongTimeout: a deadline beyond a minute gets its chain of timers from repair, once.
func TestLongTimeout(t *testing.T) {
	b := newBench(t)
	owner, _ := b.pair()
	b.says(owner.read("1", `"timeout":2000`), "")
	b.says(owner.read("2", `"timeout":8000`), "") // longer than its connection lasts
	b.timers()
	b.repair()
	b.repair()
	b.want("A owner head=0.0/0 tail=0/0 waits:1 dl=33m20s armed waits:2 dl=2h13m20s")
	b.timers("15m0s pipe.deadline A")
	b.pass(1999 * time.Second)
	owner.got()
	b.pass(time.Second)
	owner.got("1" + msgs(0))
	b.want("A owner head=0.0/0 tail=0/0 waits:2 dl=2h13m20s")
}

// TestLateTimer: who comes past a deadline first tells the read so; the message is another's.
func TestLateTimer(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(owner.read("1", `"timeout":5`), "")
	b.says(owner.read("2", ""), "")
	b.Advance(5 * time.Second)
	b.says(other.write("7", "1"), "")
	owner.got("1"+msgs(0), "2"+msgs(1, "1"))
	b.pass(time.Second) // the timer comes in vain
	b.says(owner.read("3", `"timeout":70`), "")
	b.Advance(70 * time.Second)
	b.repair()
	owner.got("3" + msgs(0))
	b.says(owner.read("4", `"timeout":5`), "")
	b.Advance(5 * time.Second)
	b.says(other.write("8", `[2,3],"multi":true`), "")
	owner.got("4" + ` {"waiting":2,"drops":0,"msgs":[]}`)
	other.got("7"+ok, "8"+ok)
}

// TestDeadlinePassesWhileJoining: the timer came before the read was there to be found.
func TestDeadlinePassesWhileJoining(t *testing.T) {
	b := newBench(t)
	owner, _ := b.pair()
	b.joining().Run(func() { b.pass(2 * time.Second) })
	b.says(owner.read("1", `"timeout":1`), "")
	owner.got("1" + msgs(0))
	b.want("A owner head=0.0/0 tail=0/0")
}

// A timer that cannot be set: the read fails rather than wait for ever.
func TestReadWithoutItsTimer(t *testing.T) {
	b := newBench(t)
	owner, _ := b.pair()
	b.On("SendMessage").Fail(attempts)
	b.says(owner.read("1", `"timeout":1`), "unknown")
	b.want("A owner head=0.0/0 tail=0/0")
}

func TestLostResponsesOfARead(t *testing.T) {
	kinds := map[string]func(*bench) harness.Kind{"get": (*bench).getting, "claim": (*bench).claiming, "clear": (*bench).clearing,
		"query": func(b *bench) harness.Kind { return b.On("Query", "nexus-pipes") }}
	for name, kind := range kinds {
		for lost := 1; lost < attempts; lost++ {
			t.Run(fmt.Sprint(name, lost), func(t *testing.T) {
				b := newBench(t)
				owner, other := b.pair()
				b.says(other.write("7", `[1,2,3],"multi":true`), "")
				kind(b).Lose(lost)
				b.says(owner.read("1", `"max":2`), "")
				owner.got("1" + counted(1, 0, 1, "1", "2"))
				b.says(owner.read("2", ""), "")
				owner.got("2" + msgs(3, "3"))
			})
		}
	}
}

// TestLostResponseOfJoining: a read joins once, whatever happened to it meanwhile.
func TestLostResponseOfJoining(t *testing.T) {
	for _, c := range []struct {
		name      string
		meanwhile func(b *bench, owner, other *client)
		says      string
		got       []string
		state     string
	}{
		{"nothing", func(*bench, *client, *client) {}, "", nil, "A owner head=0.0/0 tail=0/0 waits:1"},
		{"another read", func(b *bench, owner, _ *client) { b.says(owner.read("2", ""), "") }, "", nil,
			"A owner head=0.0/0 tail=0/0 waits:1 waits:2"},
		{"served", func(b *bench, _, other *client) { b.says(other.write("7", "1"), "") }, "", []string{"1" + msgs(1, "1")},
			"A owner head=0.0/0 tail=0/0 count=1"},
		// Nobody can tell that it was served; its client knows, and forgot the id.
		{"served, and another read", func(b *bench, owner, other *client) {
			b.says(other.write("7", "1"), "")
			b.says(owner.read("2", ""), "")
		}, "unknown", []string{"1" + msgs(1, "1")}, "A owner head=0.0/0 tail=0/0 count=1 waits:2"},
		{"being served, and another read", func(b *bench, owner, other *client) {
			b.DiesAfter(b.directing(), func() string { return other.write("7", "1") })
			b.says(owner.read("2", ""), "")
		}, "", nil, "A owner head=0.0/0 tail=0/0 count=1 waits:2 handed:1 [1] count=0 owed:other/7"},
		{"closed", func(b *bench, owner, _ *client) { b.says(owner.close("2"), "") }, "-32003 Invalid pipe:[A]", []string{"1" + msgs(0), "2" + ok}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t)
			owner, other := b.pair()
			b.joining().Lose(1)
			b.joining().Then(func() { b.joining().Run(func() { c.meanwhile(b, owner, other) }) })
			b.says(owner.read("1", ""), c.says)
			owner.got(c.got...)
			if c.state == "" {
				b.want()
			} else {
				b.want(c.state)
			}
		})
	}
}

// TestJoiningFails: all attempts at joining fail.
func TestJoiningFails(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.joining().Fail(attempts)
	b.says(owner.read("1", ""), "unknown")
	b.want("A owner head=0.0/0 tail=0/0")
	b.joining().Lose(attempts)
	b.says(owner.read("2", ""), "recorded")
	b.want("A owner head=0.0/0 tail=0/0 waits:2")
	b.joining().Fail(2)
	b.joining().Then(func() {}) // the third
	b.says(owner.read("3", ""), "")
	b.says(other.write("7", "1"), "")
	b.says(other.write("8", "2"), "")
	owner.got("2"+msgs(1, "1"), "3"+msgs(2, "2"))
}

// TestClaimFails: a claim that may be recorded is answered from its record.
func TestClaimFails(t *testing.T) {
	b := newBench(t)
	owner, other := b.pair()
	b.says(other.write("7", "1"), "")
	b.claiming().Fail(attempts)
	b.says(owner.read("1", ""), "unknown")
	b.claiming().Lose(attempts)
	b.says(owner.read("2", ""), "recorded")
	b.want("A owner head=1.0/1 tail=1/1 count=1 handed:2 0.0/0–1.0/1 count=1 [refused]", "A.0 1/0 1")
	b.later()
	owner.got("2" + msgs(1, "1"))
	b.want("A owner head=1.0/1 tail=1/1 count=1 [refused]", "A.0 1/0 1")
}
