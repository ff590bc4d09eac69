package topic_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/store"
	"nexus/pkg/topic"
)

func TestFanOut(t *testing.T) {
	b := newBench(t)
	b.pipe("a")
	b.pipe("a", "a.*", "*")
	b.pipe("b", "a.b.*")
	b.pipe()
	b.fans([]topic.Record{b.pub("p", "a", "1"), b.pub("p", "a.b", "2"), b.pub("p", "b", "3"), b.pub("p", "c", "4")})
	b.holds("1", "1 2 3 4", "2 3", "")
	b.cursors()
}

// TestPatterns: what matches what.
func TestPatterns(t *testing.T) {
	b := newBench(t)
	subscribed := []string{"a", "a.*", "a.b", "a.b.*", "a.b.c.*", "*", "*.b", "a.*.c", "ab.*", "a.b.*.*"}
	for _, name := range subscribed {
		b.pipe(name)
	}
	for published, want := range map[string][]string{
		"a":         {"a", "a.*", "*"},
		"a.b":       {"a.*", "a.b", "a.b.*", "*"},
		"a.b.c":     {"a.*", "a.b.*", "a.b.c.*", "*"},
		"a.b.c.d":   {"a.*", "a.b.*", "a.b.c.*", "*"},
		"ab":        {"*", "ab.*"},
		"x":         {"*"},
		"x.b":       {"*"},
		"*":         {"*"},
		"*.b":       {"*", "*.b"},
		"a.*":       {"a.*", "*"},
		"a.*.c":     {"a.*", "*", "a.*.c"},
		"a.b.*":     {"a.*", "a.b.*", "*", "a.b.*.*"},
		"a.b.*.*":   {"a.*", "a.b.*", "*", "a.b.*.*"},
		"a.b.*.c.d": {"a.*", "a.b.*", "*", "a.b.*.*"},
	} {
		b.pipes.appended = nil
		r := b.pub("p", published, "1")
		b.fans([]topic.Record{r})
		var got []string
		for _, a := range b.pipes.appended {
			id, _, _ := strings.Cut(a, " ")
			got = append(got, subscribed[slices.Index(b.ids, id)])
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s reaches %q, want %q", published, got, want)
		}
	}
}

// TestFanOutAgain: a record that comes again, later or at the same time, alone or with others, adds nothing.
func TestFanOutAgain(t *testing.T) {
	b := newBench(t)
	b.pipe("a")
	b.pipe("*")
	one, two := b.pub("p", "a", "1"), b.pub("p", "a", "2")
	b.fans([]topic.Record{one})
	b.fans([]topic.Record{one, two})
	three := b.pub("p", "a", "3")
	var both sync.WaitGroup
	for range 4 {
		both.Go(func() { b.fans([]topic.Record{two, three}) })
	}
	both.Wait()
	b.fans([]topic.Record{one})
	b.fans([]topic.Record{one, two, three})
	b.holds("1 2 3", "1 2 3")
}

// TestFanOutOfMany: more than a page of subscribers, more than a stretch.
func TestFanOutOfMany(t *testing.T) {
	b := newBench(t)
	const subscribers = 1100
	for n := range subscribers {
		b.put(fmt.Sprintf("%026d", n), "a")
	}
	b.pipe("a", "*")
	b.fans([]topic.Record{b.pub("p", "a", "1")})
	if n := counts(b.pipes.appended); len(n) != subscribers+1 || len(b.pipes.appended) != subscribers+1 {
		t.Errorf("%d appends to %d pipes", len(b.pipes.appended), len(n))
	}
	// None of them is there but the last.
	b.subscriptions("a A", "* A")
}

// put subscribes what may be no pipe.
func (b *bench) put(id, name string) {
	b.t.Helper()
	if _, err := b.DB.Do(b.ctx, store.Write{Table: store.Topics, Item: store.Item{"part": store.S("s#" + name), "row": store.S(id)}}); err != nil {
		b.t.Fatal(err)
	}
}

// TestFanOutDies: whichever request is the last, coming again makes it good: every pipe has every message once, in order.
func TestFanOutDies(t *testing.T) {
	for name, kind := range map[string]func(*bench) harness.Kind{
		"cursors":    func(b *bench) harness.Kind { return b.On("BatchGetItem", `"nexus-topics"`) },
		"walk":       func(b *bench) harness.Kind { return b.walking().With(`"s#a"`) },
		"walk all":   func(b *bench) harness.Kind { return b.walking().With(`"s#*"`) },
		"the pipe":   func(b *bench) harness.Kind { return b.On("GetItem", `"nexus-pipes"`, b.ids[1]) },
		"the number": func(b *bench) harness.Kind { return b.On("UpdateItem", `"nexus-pipes"`, b.ids[1], `":all"`) },
		"the row":    func(b *bench) harness.Kind { return b.On("PutItem", `"nexus-pipes"`, b.ids[1]) },
		"read waits": func(b *bench) harness.Kind { return b.On("UpdateItem", `"nexus-pipes"`, b.ids[3], `":what"`) },
		"the post":   func(b *bench) harness.Kind { return b.On("PostToConnection") },
		"clearing":   func(b *bench) harness.Kind { return b.On("UpdateItem", `"nexus-pipes"`, b.ids[3], "REMOVE #who") },
	} {
		for _, when := range []string{"before", "after"} {
			for n, late := range []time.Duration{0, time.Minute, 0, time.Minute, 0, time.Minute} {
				split := [][2]int{{2, 2}, {2, 1}, {1, 2}}[n/2] // how many records came before the death, and after it
				t.Run(fmt.Sprint(name, when, late, split), func(t *testing.T) {
					b := newBench(t)
					for range 4 {
						b.pipe("a", "*")
					}
					b.read(b.ids[3])
					b.fans([]topic.Record{b.pub("p", "a", "1")})
					b.fansOut(1)
					b.read(b.ids[3])
					records := []topic.Record{b.pub("p", "a", "2"), b.pub("p", "a", "3")}
					b.Advance(late)
					fault := kind(b).Run
					if when == "after" {
						fault = kind(b).Then
					}
					b.dies(fault, func() { b.topics.FanOut(b.ctx, records[:split[0]]) })
					b.fans(records[:split[1]])
					b.fans(records)
					b.fans(records)
					b.Advance(30 * time.Second)
					b.repair()
					last := []string{"3"}[:3-b.fansOut(2)]
					b.holds("1 2 3", "1 2 3", "1 2 3", strings.Join(last, ""))
				})
			}
		}
	}
}

// fansOut checks that the owner's only read got a message, and perhaps the next in the same answer. It returns the last.
func (b *bench) fansOut(msg int) (last int) {
	b.t.Helper()
	got := b.owner.Got()
	message := func(msg int) string { return fmt.Sprintf(`{"msg":{"topic":"a","msg":%d},"count":%d}`, msg, msg) }
	one, two := "["+message(msg)+"]", "["+message(msg)+","+message(msg+1)+"]"
	switch {
	case len(got) > 0 && strings.Contains(got[0], one):
		last = msg
	case len(got) > 0 && strings.Contains(got[0], two):
		last = msg + 1
	default:
		b.t.Fatalf("the read got %q, want %s, or with the next", got, one)
	}
	for _, again := range got { // a post whose outcome nobody knew is repeated with the same bytes
		if again != got[0] {
			b.t.Errorf("another answer: %s", again)
		}
	}
	return last
}

// repair has the pipes looked at, as their stream does.
func (b *bench) repair() {
	b.t.Helper()
	var keys [][2]string
	for _, i := range b.Table(store.Pipes) {
		keys = append(keys, [2]string{i.Str("pipeid"), i.Str("row")})
	}
	if err := b.Bus.Pipes.Changed(b.ctx, keys); err != nil {
		b.t.Error(err)
	}
}

// TestARowStopsAtItsFirstFailure: other rows go on; what was done of them is not done again.
func TestARowStopsAtItsFirstFailure(t *testing.T) {
	b := newBench(t)
	b.pipe("*")
	b.pipe("*")
	fails := true
	b.pipes.before = func(id string, d topic.Delivery) error {
		if fails && id == b.ids[1] && d.N == 2 && d.Row == topic.RowOf("p") {
			return errors.New("no")
		}
		return nil
	}
	one, x := b.pub("p", "a", "1"), b.pub(elsewhere("p"), "a", "10")
	two, y, three := b.pub("p", "b", "2"), b.pub(elsewhere("p"), "b", "20"), b.pub("p", "a", "3")
	b.fans([]topic.Record{one, x, two, y, three}, two.ID)
	b.cursors("2 002A 1", "2 ~ 0")
	b.pipes.appended, fails = nil, false
	b.fans([]topic.Record{two, y, three})
	want := []string{b.ids[0] + " 3", b.ids[1] + " 2", b.ids[1] + " 3"}
	if slices.Sort(b.pipes.appended); !slices.Equal(b.pipes.appended, want) {
		t.Errorf("appended again %q, want %q", b.pipes.appended, want)
	}
	for _, id := range b.ids {
		if got := counts(b.held(id)); len(got) != 5 || len(b.held(id)) != 5 {
			t.Errorf("%s holds %v", b.name(id), b.held(id))
		}
	}
	b.cursors("2 002B 1", "2 ~ 0")
}

// TestAPipeThatCannotBeReached: after five attempts it goes to the dead-letter queue, and the fan-out goes on. The dead letter, moved to the delay
// queue, is written behind what the pipe has.
func TestAPipeThatCannotBeReached(t *testing.T) {
	for name, msg := range map[string]string{"short": "1", "long": `"` + strings.Repeat("x", 1000) + `"`, "longer": `"` + strings.Repeat("x", 5000) + `"`} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			for range 4 {
				b.pipe("a")
			}
			broken, tries := true, 0
			b.pipes.before = func(id string, d topic.Delivery) error {
				if broken && id == b.ids[1] && d.Row != "" && d.N == 1 {
					tries++
					return errors.New("no")
				}
				return nil
			}
			records := []topic.Record{b.pub("p", "a", msg), b.pub("p", "a", "2")}
			for n := range 5 {
				b.letters()
				b.fans(records, records[0].ID)
				b.cursors(fmt.Sprintf("1 000A %d", n+1))
			}
			b.fans(records)
			w := b.letters("topic.append")[0]
			if w.Key[0] != b.ids[1] || w.Key[1] != topic.RowOf("p") || w.Key[2] != "1" || w.Cursor["topic"] != "a" || tries != 5 {
				t.Errorf("after %d attempts: %v", tries, w)
			}
			b.holds(msg+" 2", "2", msg+" 2", msg+" 2")
			b.fans(records)
			b.letters()
			if err := b.Bus.Woken(b.ctx, w); err != nil {
				t.Error(err)
			}
			b.holds(msg+" 2", "2 "+msg, msg+" 2", msg+" 2")
			// The pipe may be gone by the time, and so may what was said.
			b.close(b.ids[1])
			if err := b.Bus.Woken(b.ctx, w); err != nil {
				t.Error(err)
			}
			w.Cursor["body"] = "gone"
			if err := b.Bus.Woken(b.ctx, w); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestAPipeThatKills: nobody who has it lives on. Attempts are counted before they begin, so that it is found out and given up.
func TestAPipeThatKills(t *testing.T) {
	b := newBench(t)
	for range 4 {
		b.pipe("a")
	}
	r := b.pub("p", "a", "1")
	var kill context.CancelFunc
	b.pipes.before = func(id string, _ topic.Delivery) error {
		if id == b.ids[1] {
			kill()
			return b.ctx.Err()
		}
		return nil
	}
	alive := b.ctx
	deaths := 0
	for ; deaths < 20; deaths++ {
		b.Advance(10 * time.Second)
		b.ctx, kill = context.WithCancel(alive)
		again := b.topics.FanOut(b.ctx, []topic.Record{r})
		if b.ctx, kill = alive, nil; len(again) == 0 {
			break
		}
	}
	if deaths < 5 || deaths > 10 {
		t.Errorf("%d died", deaths)
	}
	if w := b.letters("topic.append"); w[0].Key[0] != b.ids[1] {
		t.Errorf("given up: %v", w)
	}
	b.holds("1", "", "1", "1")
}

// TestATableThatCannotBeRead is no reason to give up a pipe, however often.
func TestATableThatCannotBeRead(t *testing.T) {
	b := newBench(t)
	b.pipe("a")
	r := b.pub("p", "a", `"`+strings.Repeat("x", 5000)+`"`)
	for range 10 {
		b.walking().With(`"s#a"`).Fail(attempts)
		b.fans([]topic.Record{r}, r.ID)
		b.On("GetItem", `"nexus-bodies"`).Fail(attempts)
		b.fans([]topic.Record{r}, r.ID)
		b.On("BatchGetItem", `"nexus-topics"`).Fail(attempts)
		b.fans([]topic.Record{r}, r.ID)
	}
	b.letters()
	b.fans([]topic.Record{r})
	if got := b.held(b.ids[0]); len(got) != 1 {
		t.Errorf("it holds %.20q", got)
	}
}

// TestPoison: what is no publication goes to the dead-letter queue at once, and the row goes on.
func TestPoison(t *testing.T) {
	b := newBench(t)
	b.pipe("a")
	r, last := b.pub("p", "a", "1"), b.pub("p", "a", "2")
	var records []topic.Record
	for _, change := range []store.Item{{"part": store.S("p#64")}, {"part": store.S("p#x")}, {"part": store.S("s#a")}, {"part": store.S("p#007")},
		{"n": store.N(0)}, {"n": store.S("1")}, {"topic": store.S("")}, {"msg": store.S("{")}, {"msg": store.S("")}, {"body": store.S("nosuch")}} {
		bad := store.Item{}
		for name, v := range r.Image {
			bad[name] = v
		}
		for name, v := range change {
			bad[name] = v
		}
		records = append(records, topic.Record{ID: fmt.Sprint(len(records)), Image: bad})
	}
	records = append(records, topic.Record{ID: "empty"}, r, last)
	b.On("SendMessage", "no topic").Fail(attempts)
	b.fans(records, "6")
	b.letters(slices.Repeat([]string{"topic.poison"}, 7)...)
	b.fans(records[6:])
	for _, w := range b.letters(slices.Repeat([]string{"topic.poison"}, 5)...) {
		if err := b.Bus.Woken(b.ctx, w); err == nil || len(w.Key) != 2 || w.Cursor["reason"] == "" {
			t.Errorf("%v is taken for something else", w)
		}
	}
	b.holds("1 2")
}

// TestAFanOutIsSplit: what does not fit one invocation is left to the next, which goes on where it was. Nobody gets anything twice, or out of order.
func TestAFanOutIsSplit(t *testing.T) {
	b := newBench(t)
	b.topics.Rate = 16 // two pipes a stretch
	for range 10 {
		b.pipe("*")
	}
	var mu sync.Mutex
	b.pipes.after = func(string, topic.Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		b.Advance(1100 * time.Millisecond) // 6 s are over after the sixth
		return nil
	}
	records := []topic.Record{b.pub("p", "a", "1"), b.pub("p", "b", "2")}
	b.fans(records, records[0].ID)
	b.cursors("1 002F 1")
	b.fans(records, records[1].ID) // G to J, then A and B
	b.cursors("2 002B 1")
	b.fans(records, records[1].ID)
	b.fans(records)
	b.holds(slices.Repeat([]string{"1 2"}, 10)...)
	if n := counts(b.pipes.appended); len(n) != 20 || len(b.pipes.appended) != 20 {
		t.Errorf("%v", n)
	}
	b.letters()
}

// TestTogether: publications of one topic that follow one another are handed out together, long ones and those of another topic by themselves.
func TestTogether(t *testing.T) {
	b := newBench(t)
	b.pipe("a", "b")
	long := `"` + strings.Repeat("x", 600) + `"`
	var records []topic.Record
	for _, p := range [][3]string{{"p", "a", "1"}, {"p", "a", "2"}, {"p", "b", "3"}, {other("p"), "b", "4"}, {"p", "b", long}, {"p", "b", "6"}, {"p", "b", "7"}} {
		records = append(records, b.pub(p[0], p[1], p[2]))
	}
	var got []string
	b.pipes.before = func(_ string, d topic.Delivery) error {
		got = append(got, fmt.Sprintf("%d+%d", d.N, len(d.Messages)))
		return nil
	}
	b.fans(records)
	if want := []string{"1+2", "3+2", "5+1", "6+2"}; !slices.Equal(got, want) {
		t.Errorf("handed out were %q, want %q", got, want)
	}
	b.holds("1 2 3 4 " + long + " 6 7")
	got = nil
	b.fans(slices.Delete(slices.Clone(records), 3, 4)[2:]) // 3, 5, 6, 7
	if want := []string{"3+1", "5+1", "6+2"}; !slices.Equal(got, want) {
		t.Errorf("handed out were %q, want %q", got, want)
	}
}

// TestTogetherInParts: what was begun together goes on together behind the cursor, with neither more nor fewer where it matters.
func TestTogetherInParts(t *testing.T) {
	for name, c := range map[string]struct{ before, then, sizes []int }{
		"the same": {[]int{3}, []int{3}, []int{3}},
		"fewer":    {[]int{3}, []int{2, 3}, []int{2, 1}},
		"more":     {[]int{2}, []int{3}, []int{2, 1}},
		"later":    {[]int{2}, []int{1, 3}, []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.topics.Rate = 16 // two pipes a stretch
			for range 4 {
				b.pipe("a")
			}
			records := []topic.Record{b.pub("p", "a", "1"), b.pub("p", "a", "2"), b.pub("p", "a", "3")}
			b.pipes.after = func(id string, _ topic.Delivery) error {
				if id == b.ids[1] {
					b.Advance(6 * time.Second)
				}
				return nil
			}
			for _, n := range c.before {
				b.fans(records[:n], records[0].ID)
			}
			b.cursors("1 000B 1")
			b.pipes.after = nil
			var sizes []int
			b.pipes.before = func(id string, d topic.Delivery) error {
				if id == b.ids[3] {
					sizes = append(sizes, len(d.Messages))
				}
				return nil
			}
			from := 0
			for _, n := range c.then {
				b.fans(records[from:n])
				from = n
			}
			b.holds(slices.Repeat([]string{"1 2 3"}, 4)...)
			if !slices.Equal(sizes, c.sizes) {
				t.Errorf("together were %v, want %v", sizes, c.sizes)
			}
		})
	}
}

// TestTogetherFails: after failures publications are handed out one by one, so that one which cannot be takes no other to the dead-letter queue.
func TestTogetherFails(t *testing.T) {
	b := newBench(t)
	for range 3 {
		b.pipe("a")
	}
	b.pipes.before = func(id string, d topic.Delivery) error {
		if last := d.N + int64(len(d.Messages)) - 1; id == b.ids[1] && d.N <= 2 && last >= 2 {
			return errors.New("no")
		}
		return nil
	}
	records := []topic.Record{b.pub("p", "a", "1"), b.pub("p", "a", "2"), b.pub("p", "a", "3")}
	b.fans(records, records[0].ID)
	b.cursors("1 000A 1")
	b.fans(records, records[0].ID)
	b.cursors("1 000A 2")
	b.fans(records, records[1].ID) // 1 alone is taken
	for n := 2; n <= 5; n++ {
		b.fans(records[1:], records[1].ID)
		b.cursors(fmt.Sprintf("2 000A %d", n))
	}
	b.fans(records[1:])
	if w := b.letters("topic.append"); w[0].Key[0] != b.ids[1] || w[0].Key[2] != "2" {
		t.Errorf("given up: %v", w)
	}
	b.holds("1 2 3", "1 3", "1 2 3")
}

// TestLongMessagesAreNotCopied: pipes refer to one body row, whatever becomes of the message.
func TestLongMessagesAreNotCopied(t *testing.T) {
	for _, size := range []int{400, 600, 5000, 100_000} {
		b := newBench(t)
		for range 3 {
			b.pipe("a")
		}
		b.read(b.ids[2])
		msg := `"` + strings.Repeat("x", size) + `"`
		r := b.pub("p", "a", msg)
		b.fans([]topic.Record{r})
		b.fans([]topic.Record{r})
		b.holds(msg, msg, "")
		bodies := b.Table(store.Bodies)
		if want := min(size/500, 1); len(bodies) != want {
			t.Errorf("%d bytes: %d bodies, want %d", size, len(bodies), want)
		}
		for _, i := range b.Table(store.Pipes) {
			if refers := i.Has("mb"); i.Str("row") != "meta" && refers != (size > 500) {
				t.Errorf("%d bytes: refers %t", size, refers)
			}
		}
		for _, id := range b.ids[:2] {
			b.read(id)
		}
		got := b.owner.Got()
		for _, message := range got {
			if !strings.Contains(message, `"msgs":[{"msg":{"topic":"a","msg":`+msg+`},"count":1}]`) {
				t.Errorf("%d bytes: %.200s", size, message)
			}
		}
		if len(got) != 3 {
			t.Errorf("%d reads were answered", len(got))
		}
	}
}

// TestSubscriptionsOfPipesThatAreGone are removed when they are met.
func TestSubscriptionsOfPipesThatAreGone(t *testing.T) {
	b := newBench(t)
	b.pipe("a")
	b.put("01KATY7X8ZQ4M2N6P9R3S5T1V0", "a")
	b.put("no pipe", "*")
	b.fans([]topic.Record{b.pub("p", "a", "1")})
	b.subscriptions("a A")
	b.holds("1")
}

// TestWhatAFanOutCosts: two writes a pipe.
func TestWhatAFanOutCosts(t *testing.T) {
	for _, waits := range []bool{false, true} {
		b := newBench(t)
		for range 20 {
			id := b.pipe("a.b.*")
			if waits {
				b.read(id)
			}
		}
		r := b.pub("p", "a.b.c", "1")
		var meter store.Meter
		b.ctx = store.WithMeter(b.ctx, &meter)
		b.fans([]topic.Record{r})
		if w, reads := meter.Units(); w > 40 || reads > 1+5+2*20 {
			t.Errorf("waits %t: %g W, %g R", waits, w, reads)
		}
	}
}
