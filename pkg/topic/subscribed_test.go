package topic_test

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/store"
	"nexus/pkg/topic"
)

// stories are calls that somebody awaits one after another, and what of all that is published the pipe then holds. +a subscribes it to a, -a ends that, !a
// publishes on a: the messages are numbers. What is between < and > API Gateway takes within one millisecond.
func stories() map[string][2]string {
	return map[string][2]string{
		"published, then subscribed":         {"!a +a", ""},
		"subscribed, then published":         {"+a !a", "1"},
		"published, then unsubscribed":       {"+a !a -a", "1"},
		"unsubscribed, then published":       {"+a -a !a", ""},
		"again":                              {"+a !a -a !a +a !a -a !a", "1 3"},
		"twice is once, from the first":      {"+a !a +a !a -a !a", "1 2"},
		"ended twice is once, at the first":  {"+a !a -a !a -a !a", "1"},
		"ended, which was not":               {"-a !a +a !a", "2"},
		"many times":                         {strings.Repeat("+a !a -a !a ", 41), odd(82)},
		"a wildcard ends, the name goes on":  {"+a.b +a.* !a.b -a.* !a.b -a.b !a.b", "1 2"},
		"the name ends, a wildcard goes on":  {"+a.b +a.* !a.b -a.b !a.b -a.* !a.b", "1 2"},
		"names take turns":                   {"+a.b !a.b -a.b +a.* !a.b -a.* +a.b !a.b -a.b +* !a.b -* !a.b", "1 2 3 4"},
		"in one name's gaps another":         {"+a.b !a.b -a.b !a.b +a.b !a.b -a.b +a.* !a.b -a.* !a.b", "1 3 4"},
		"other topics between":               {"+a !b !a -a !b !a +a !b !a", "2 6"},
		"not at all":                         {"!a !a", ""},
		"too close: subscribed":              {"<!a +a> !a", "1 2"},
		"too close: unsubscribed":            {"+a <-a !a> !a", "1"},
		"too close: ended, and begun again":  {"+a <-a !a +a> !a", "1 2"},
		"too close: begun, and ended":        {"<+a !a -a> !a", "1"},
		"too close: begun, ended, and begun": {"<+a -a +a> !a -a !a", "1"},
	}
}

// odd are the odd numbers up to a number.
func odd(most int) string {
	var list []string
	for n := 1; n <= most; n += 2 {
		list = append(list, strconv.Itoa(n))
	}
	return strings.Join(list, " ")
}

// TestWhoIsSubscribed: what decides is when API Gateway took the calls, not when the stream is read, and by how many records at a time; and `sent` says
// what arrives.
func TestWhoIsSubscribed(t *testing.T) {
	for name, story := range stories() {
		for lag, after := range map[string]int{"at once": 1, "late": 3, "when all is over": 1000} {
			t.Run(name+", handed out "+lag, func(t *testing.T) {
				b := newBench(t)
				id := b.pipe()
				var waiting []topic.Record
				sent, together := 0, false
				for n, word := range strings.Fields(story[0]) {
					together = together || strings.HasPrefix(word, "<")
					b.does(id, strings.Trim(word, "<>"), &waiting, &sent)
					if together = together && !strings.HasSuffix(word, ">"); !together {
						b.Advance(time.Millisecond)
					}
					if n%after == after-1 && len(waiting) > 0 {
						b.fans(waiting)
						waiting = nil
					}
				}
				b.Advance(5 * time.Minute)
				if len(waiting) > 0 {
					b.fans(waiting)
				}
				if after < 1000 && strings.Contains(name, "too close") {
					return // what is handed out within the millisecond may find less
				}
				b.holds(story[1])
				if arrived := len(strings.Fields(story[1])); sent != arrived && !strings.Contains(name, "too close") && !strings.Contains(story[0], "* !a.b -a") {
					t.Errorf("sent counted %d, %d arrived", sent, arrived)
				}
			})
		}
	}
}

// does one word of a story.
func (b *bench) does(id, word string, records *[]topic.Record, sent *int) {
	b.t.Helper()
	name := word[1:]
	switch word[0] {
	case '+':
		b.says(b.sub(id, name), ok)
	case '-':
		b.says(b.unsub(id, name), ok)
	case '!':
		c := b.call("p")
		msg := strconv.Itoa(len(b.published) + 1)
		b.published = append(b.published, msg)
		var answer struct{ Sent int }
		got := harness.Answer(b.topics.Pub(b.ctx, c, topic.Pub{Topic: name, Msg: json.RawMessage(msg)}, true))
		if err := json.Unmarshal([]byte(got), &answer); err != nil {
			b.t.Errorf("%s: %v", got, err)
		}
		*sent += min(answer.Sent, 1) // a pipe that matches in several ways gets it once
		*records = append(*records, b.last("p"))
	}
}

// at has a call be one that API Gateway took at a time after the test's begin.
func (b *bench) at(ms int) *call.Call {
	c := b.call("other")
	c.At = harness.Start().Add(time.Duration(ms) * time.Millisecond)
	return c
}

// TestCallsThatOvertakeOneAnother: what counts is the order in which API Gateway took them, not that in which they were carried out.
func TestCallsThatOvertakeOneAnother(t *testing.T) {
	for name, test := range map[string]struct {
		calls string // + or - and when it was taken, in the order in which they are carried out
		want  string // of publications at 0, 10, 20, …
	}{
		"an end that comes late":                      {"+5 -35 +45 -25", "10 20 30 50 60"},
		"an end that comes late to who is subscribed": {"+5 +35 -25", "10 20 30 40 50 60"},
		"it ends all the same":                        {"+5 +35 -45", "10 20 30 40"},
		"a beginning that comes late":                 {"+5 -45 +25", "10 20 30 40"},
		"it begins all the same":                      {"+5 -25 +45", "10 20 50 60"},
		"begun twice, the second first":               {"+25 +5 -45", "30 40"},
		"all at once":                                 {"+15 +35 +25 -30 -45", "20 30 40"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			id := b.pipe()
			for _, word := range strings.Fields(test.calls) {
				ms, _ := strconv.Atoi(word[1:])
				if word[0] == '+' {
					b.says(harness.Answer(b.topics.Sub(b.ctx, b.at(ms), topic.Subscription{Pipeid: id, Topic: "a"})), ok)
				} else {
					b.says(harness.Answer(b.topics.Unsub(b.ctx, b.at(ms), topic.Subscription{Pipeid: id, Topic: "a"})), ok)
				}
			}
			var records []topic.Record
			for ms := 0; ms < 70; ms += 10 {
				c := b.at(ms)
				b.says(harness.Answer(b.topics.Pub(b.ctx, c, topic.Pub{Topic: "a", Msg: json.RawMessage(strconv.Itoa(ms))}, false)), ok)
				records = append(records, b.last("p"))
			}
			b.fans(records)
			b.holds(test.want)
		})
	}
}

// TestClocksOfHandlers do not count: here each call's handler has another, up to 200 ms apart.
func TestClocksOfHandlers(t *testing.T) {
	b := newBench(t)
	id := b.pipe()
	right := b.topics.Now
	var records []topic.Record
	var sent int
	for n, word := range strings.Fields("!a +a !a -a !a +a !a -a !a") {
		skew := 100 * time.Millisecond
		if n%2 == 1 {
			skew = -skew
		}
		b.topics.Now = func() time.Time { return right().Add(skew) }
		b.does(id, word, &records, &sent)
		b.Advance(time.Millisecond)
	}
	b.fans(records)
	b.holds("2 4")
}

// TestSubscriptionsRace: whoever is between a change and the row that it was made for finds out.
func TestSubscriptionsRace(t *testing.T) {
	for name, test := range map[string]struct {
		before string // is done
		call   string // is begun
		within string // is done before its transaction
		want   string // of publications before and after the first, and after it all; the call was taken before what is within it
	}{
		"two begin":                      {"", "+", "+", "3"},
		"two end":                        {"+", "-", "-", "1 2"},
		"begun, and ended meanwhile":     {"", "+", "+ -", ""},
		"begun again, by two":            {"+ -", "+", "+", "3"},
		"ended, and begun meanwhile":     {"+", "-", "- +", "1 2 3"},
		"asked for again while it ends":  {"+", "-", "+", "1 2"},
		"asked for again while it ended": {"+", "+", "-", "1 2 3"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			id := b.pipe()
			var records []topic.Record
			var sent int
			run := func(words string) {
				for _, w := range strings.Fields(words) {
					b.does(id, w+"a", &records, &sent)
					b.Advance(time.Millisecond)
				}
			}
			run(test.before + " !")
			b.subscribing().Run(func() { run(test.within) })
			run("! " + test.call + " !")
			b.fans(records)
			b.holds(test.want)
		})
	}
}

// TestSubscriptionsKept: a row keeps the last forty times before the one that it is at; of more the oldest become one, which takes what was published
// between them and never handed out before.
func TestSubscriptionsKept(t *testing.T) {
	b := newBench(t)
	id := b.pipe()
	var records []topic.Record
	var sent int
	for range 43 {
		for _, word := range []string{"+a", "!a", "-a", "!a"} {
			b.does(id, word, &records, &sent)
			b.Advance(time.Millisecond)
		}
	}
	for _, i := range b.Table(store.Topics) {
		if past := i.Ints("past"); past != nil && len(past) != 2*40 {
			t.Errorf("it keeps %d times", len(past)/2)
		}
	}
	b.fans(records)
	b.holds("1 2 3 4 " + strings.TrimPrefix(odd(86), "1 3 "))
}

// TestARowOfAnEarlierVersion says nothing of times: it is open until it is ended.
func TestARowOfAnEarlierVersion(t *testing.T) {
	b := newBench(t)
	id := b.pipe()
	b.put(id, "a")
	r := b.pub("p", "a", "1")
	b.Advance(time.Millisecond)
	b.says(b.sub(id, "a"), ok)
	b.Advance(time.Millisecond)
	b.says(b.unsub(id, "a"), ok)
	b.Advance(time.Millisecond)
	b.fans([]topic.Record{r, b.pub("p", "a", "2")})
	b.holds("1")
	b.says(b.sub(id, "a"), ok)
	b.fans([]topic.Record{b.pub("p", "a", "3")})
	b.holds("1 3")
}

// TestManyWhoAreNotSubscribedAnyMore: the fan-out reads past them, page by page, and goes on where it was if its time is up.
func TestManyWhoAreNotSubscribedAnyMore(t *testing.T) {
	b := newBench(t)
	const ended = 2100
	for n := range ended {
		item := store.Item{"part": store.S("s#a"), "row": store.S(fmt.Sprintf("%026d", n)), "from": store.N(1), "until": store.N(2),
			"exp": store.N(b.Now().Add(time.Hour).Unix())}
		if _, err := b.DB.Do(b.ctx, store.Write{Table: store.Topics, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	b.pipe("a")
	b.Advance(time.Millisecond)
	got := harness.Answer(b.topics.Pub(b.ctx, b.call("p"), topic.Pub{Topic: "a", Msg: json.RawMessage("1")}, true))
	b.says(got, `{"ok":true,"sent":1}`)
	r := b.last("p")
	b.says(harness.Answer(b.topics.List(b.ctx, b.call("c"), access.List{Depth: -1, Limit: 10})), `[{"topic":"a","subscribers":1}]`)
	b.says(harness.Answer(b.topics.Count(b.ctx, b.call("c"), access.Count{List: access.List{Depth: -1}})), `{"count":1}`)
	reads := b.walking().With(`"s#a"`).Count()
	writes := b.On("UpdateItem", "c#").Count()
	b.fans([]topic.Record{r})
	if n := b.walking().With(`"s#a"`).Count() - reads; n != ended/500+1 {
		t.Errorf("%d reads", n)
	}
	if n := b.On("UpdateItem", "c#").Count() - writes; n != 0 {
		t.Errorf("the cursor was kept %d times", n)
	}
	b.holds("1")
	// Where each page takes two seconds, an invocation has time for three.
	r = b.pub("p", "a", "2")
	for range 3 {
		b.walking().With(`"s#a"`).Then(func() { b.Advance(2 * time.Second) })
	}
	b.fans([]topic.Record{r}, r.ID)
	b.cursors(fmt.Sprintf("2 000%026d 0", 1499))
	b.fans([]topic.Record{r})
	b.holds("1 2")
	b.letters()
}

// TestChangesOfOneDoNotSlowOthers: while one pipe is subscribed and not by turns, publications are still handed out together.
func TestChangesOfOneDoNotSlowOthers(t *testing.T) {
	b := newBench(t)
	one, turns := b.pipe("a"), b.pipe()
	var records []topic.Record
	var sent int
	for range 10 {
		for _, word := range []string{"+a", "!a", "-a", "!a"} {
			b.does(turns, word, &records, &sent)
			b.Advance(time.Millisecond)
		}
	}
	var mu sync.Mutex
	appends := map[string]int{}
	b.pipes.before = func(id string, _ topic.Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		appends[id]++
		return nil
	}
	b.fans(records)
	if appends[one] != 1 || appends[turns] != 10 {
		t.Errorf("appended were %v", appends)
	}
	if got := b.held(one); len(got) != 20 {
		t.Errorf("it holds %q", got)
	}
	if got := strings.Join(b.held(turns), " "); got != odd(20) {
		t.Errorf("the other holds %q", got)
	}
}

// TestWhatChangesCost: in write units; none reads.
func TestWhatChangesCost(t *testing.T) {
	b := newBench(t)
	id := b.pipe("b")
	for _, step := range []struct {
		word string
		cost float64
	}{{"+b", 6 + 4}, {"-b", 4}, {"-b", 4 + 2}, {"+b", 6 + 4}, {"-a", 4 + 2}, {"+a", 6}} {
		var meter store.Meter
		ctx := b.ctx
		b.ctx = store.WithMeter(ctx, &meter)
		b.Advance(time.Millisecond)
		b.does(id, step.word, nil, nil)
		b.ctx = ctx
		if w, r := meter.Units(); w != step.cost || r != 0 {
			t.Errorf("%s: %g W, %g R, want %g W", step.word, w, r, step.cost)
		}
	}
}
