package pipe_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/timer"
)

// story is calls by chance, within each other and with requests and responses lost or late and handlers dying, and what is known of their messages.
type story struct {
	*bench
	rng          *rand.Rand
	owner, other *client
	calls        int
	published    int64 // how many there are of a row, and in how many of which all is known to be well
	delivered    int64
	fanning      int                // how many fan-outs are at work
	topical      bool               // most of it is about publications
	writes       map[string][]int64 // messages by the id of their write
	acknowledged map[int64]bool
	answers      map[string]string // what calls got, by their id
	read         map[int64]int     // how often messages were read
	counts       map[int64]int64   // the numbers under which they were read
	begun, known map[int64]int     // when messages were written and known to be, in calls
	drops        int64
	late         []func() // requests that are under way still
	failed       []timer.Wake
}

// TestAnyStory: each acknowledged message is read once or counted in drops, no more are counted than were not read, no message is read twice, awaited
// writes are read in their order, and no call gets two different answers.
func TestAnyStory(t *testing.T) {
	const seeds = 60
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := &story{bench: newBench(t), rng: rand.New(rand.NewPCG(uint64(seed), 7)), writes: map[string][]int64{}, acknowledged: map[int64]bool{},
				answers: map[string]string{}, read: map[int64]int{}, counts: map[int64]int64{},
				begun: map[int64]int{}, known: map[int64]int{}, topical: seed%2 == 1}
			s.owner, s.other = s.client("owner"), s.client("other")
			s.owner.create(fmt.Sprintf(`{"len":%d}`, 1+s.rng.IntN(6)))
			for range 30 {
				s.step()
			}
			s.finish()
		})
	}
}

// step is one call or what time brings, with something that goes wrong now and then.
func (s *story) step() {
	switch s.rng.IntN(10) {
	case 0:
		s.time(time.Duration(s.rng.IntN(12)) * time.Second)
	case 1:
		s.time(31 * time.Second)
	case 2, 3, 4:
		s.disturb()
		s.call()
	default:
		s.call()
	}
	if s.rng.IntN(4) == 0 {
		s.arrive()
	}
	s.hear()
}

// arrive has something arrive that was under way.
func (s *story) arrive() {
	if len(s.late) > 0 {
		s.late[s.rng.IntN(len(s.late))]()
	}
}

// time lets time pass, the delay queue's messages come, again later if what they do fails, and the stream be read.
func (s *story) time(d time.Duration) {
	s.Advance(d)
	var again []timer.Wake
	for _, w := range s.failed {
		if s.Bus.Woken(s.Context(), w) != nil {
			again = append(again, w)
		}
	}
	for _, m := range s.Due() {
		w, err := timer.Parse(m.Body)
		s.Try(err)
		if s.Bus.Woken(s.Context(), w) != nil {
			again = append(again, w)
		}
	}
	s.failed = again
	if s.pipes.Changed(s.Context(), [][2]string{{s.id("A"), "meta"}}) != nil {
		_ = s.pipes.Changed(s.Context(), [][2]string{{s.id("A"), "meta"}}) // the stream gives it again
	}
}

// call carries out a call that nothing went wrong with yet.
func (s *story) call() {
	s.calls++
	id := fmt.Sprint(1000 + s.calls)
	kind := s.rng.IntN(7)
	if s.topical && s.rng.IntN(2) == 0 {
		kind = 3
	}
	switch kind {
	case 0, 1:
		s.owner.read(id, fmt.Sprintf(`"max":%d,"timeout":%d`, 1+s.rng.IntN(3), 40*s.rng.IntN(3)))
	case 2:
		s.owner.read(id, "")
	case 3:
		switch s.fanning++; s.fanning {
		case 1:
			s.published += 1 + s.rng.Int64N(4)
			for s.delivered < s.published {
				s.fanOut()
			}
		case 2, 3:
			s.fanOut() // the stream gave something to another invocation, too
		}
		s.fanning--
	default:
		k := 1 + s.rng.IntN(3)
		var texts []string
		for n := range k {
			msg := 1000*int64(s.calls) + int64(n)
			s.writes[id], s.begun[msg] = append(s.writes[id], msg), s.calls
			texts = append(texts, fmt.Sprint(msg))
		}
		if answer := s.other.write(id, "["+strings.Join(texts, ",")+`],"multi":true`); strings.HasPrefix(answer, "-") {
			s.t.Errorf("write %s: %s", id, answer)
		}
	}
}

// fanOut is an invocation that hands out publications: some of those that may be begun, and those that follow, until it does not know what came of
// some. What others did of them meanwhile it does not know.
func (s *story) fanOut() {
	for next, last := s.delivered+1-s.rng.Int64N(min(s.delivered, 2)+1), s.published; next <= last; {
		k := 1 + s.rng.Int64N(last-next+1)
		var texts []string
		for n := range k {
			texts = append(texts, fmt.Sprint(publications+next+n))
		}
		if s.publishes(next, texts...) == "unknown" {
			if s.rng.IntN(2) == 0 {
				s.Advance(11 * time.Second)
			}
			return
		}
		for ; k > 0; k-- {
			s.acknowledged[publications+next] = true
			next++
		}
		s.delivered = max(s.delivered, next-1)
	}
}

// publications are the messages from this number on.
const publications = 1_000_000

// disturb chooses what goes wrong with the next request of some kind.
func (s *story) disturb() {
	kinds := []harness.Kind{s.update(), s.update(), s.update(), s.getting(), s.puttingRow(), s.On("PostToConnection"), s.On("Query", "nexus-pipes")}
	if s.topical {
		kinds = append(kinds, s.allotting(), s.allotting(), s.allotting(), s.puttingRow(), s.puttingRow())
	}
	kind := kinds[s.rng.IntN(len(kinds))]
	what := func() {
		switch s.rng.IntN(8) {
		case 0:
			kind.Lose(1 + s.rng.IntN(attempts))
		case 1:
			kind.Fail(1 + s.rng.IntN(attempts))
		case 2:
			s.DiesAfter(kind, func() string { return "" })
		case 3:
			s.DiesBefore(kind, func() string { return "" })
		case 4:
			kind.Run(s.call)
		case 5:
			kind.Then(s.call)
		case 6:
			s.late = append(s.late, kind.Stray(1+s.rng.IntN(attempts)))
		case 7:
			kind.Run(s.arrive)
		}
	}
	if s.rng.IntN(3) == 0 {
		kind.Then(what) // the request after
		return
	}
	what()
}

// hear takes what came over the connections.
func (s *story) hear() {
	for _, m := range append(s.owner.Got(), s.other.Got()...) {
		var a struct {
			ID     json.Number
			Result struct {
				OK    bool
				Drops int64
				Msgs  []struct{ Msg, Count int64 }
			}
		}
		if err := json.Unmarshal([]byte(m), &a); err != nil {
			s.t.Fatal(m, err)
		}
		id := a.ID.String()
		if before, again := s.answers[id]; again {
			if before != m {
				s.t.Errorf("two answers:\n%s\n%s", before, m)
			}
			continue
		}
		s.answers[id] = m
		if a.Result.OK {
			for _, msg := range s.writes[id] {
				s.acknowledged[msg], s.known[msg] = true, s.calls
			}
		}
		s.drops += a.Result.Drops
		for _, msg := range a.Result.Msgs {
			s.read[msg.Msg]++
			s.counts[msg.Msg] = msg.Count
		}
	}
}

// finish lets everything come to an end, and looks.
func (s *story) finish() {
	const others = 40
	for range others {
		s.other.write("", `[0,0],"multi":true`) // uses up what was to go wrong
		s.time(31 * time.Second)
		for _, arrive := range s.late {
			arrive()
		}
		s.calls++
		s.owner.read(fmt.Sprint(1000+s.calls), `"max":1000`)
		s.hear()
	}
	sent := 2*others - s.read[0] + len(s.begun) + int(s.published)
	delete(s.read, 0)
	lost := int64(0)
	for msg := range s.acknowledged {
		if s.read[msg] == 0 {
			lost++
		}
	}
	for msg, times := range s.read {
		if times > 1 {
			s.t.Errorf("%d was read %d times", msg, times)
		}
	}
	for first, known := range s.known {
		for then, begun := range s.begun {
			if begun > known && s.read[first] > 0 && s.read[then] > 0 && s.counts[first] > s.counts[then] {
				s.t.Errorf("%d was read before %d, which was acknowledged before it was written", then, first)
			}
		}
	}
	for n, before := int64(1), int64(0); n <= s.published; n++ {
		if msg := publications + n; s.read[msg] > 0 {
			if s.counts[msg] <= before {
				s.t.Errorf("publication %d was read before one that was before it", n)
			}
			before = s.counts[msg]
		}
	}
	if unread := sent - len(s.read); s.drops > int64(unread) {
		s.t.Errorf("%d messages were not read, %d drops were told", unread, s.drops)
	}
	if lost > s.drops {
		s.t.Errorf("%d acknowledged messages were not read, %d drops were told", lost, s.drops)
	}
}
