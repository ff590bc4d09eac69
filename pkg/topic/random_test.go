package topic_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nexus/pkg/topic"
)

// story is topics with a stream that a seed reads: in batches, late, again, by several invocations at a time, which fail and die.
type story struct {
	*bench
	rng        *rand.Rand
	mu         sync.Mutex // of rng, in invocations
	calm       bool
	log        []topic.Record
	checkpoint int                 // records before it are done, as far as Lambda knows
	published  map[string][]string // by publisher
}

// TestAnyStory: whatever becomes of the stream, each pipe has all publications of each publisher once, in their order, but for those in dead letters.
func TestAnyStory(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := &story{bench: newBench(t), rng: rand.New(rand.NewPCG(seed, 7)), published: map[string][]string{}}
			s.topics.Rate = []int{8, 40, 500}[s.rng.IntN(3)]
			for range 2 + s.rng.IntN(6) {
				s.pipe([][]string{{"a"}, {"*"}, {"a.*", "a"}, {"a", "*"}}[s.rng.IntN(4)]...)
			}
			s.pipes.before, s.pipes.after = s.trouble, s.trouble
			publishers := []string{"p", other("p"), elsewhere("p")}
			for range 30 {
				switch s.rng.IntN(6) {
				case 0, 1:
					p := publishers[s.rng.IntN(len(publishers))]
					msg := fmt.Sprintf(`"%s-%03d%s"`, p, len(s.published[p]), strings.Repeat("x", []int{0, 0, 700, 5000}[s.rng.IntN(4)]))
					s.log = append(s.log, s.pub(p, "a", msg))
					s.published[p] = append(s.published[p], msg)
				case 2, 3:
					s.batch()
				case 4:
					s.again()
				case 5:
					s.Advance(time.Duration(s.rng.IntN(15)) * time.Second)
				}
			}
			s.calm = true
			for n := 0; s.checkpoint < len(s.log); n++ {
				if s.batch(); n > 200 {
					t.Fatal("the stream does not get on")
				}
			}
			s.complete()
		})
	}
}

// trouble is what may happen before or after an append.
func (s *story) trouble(string, topic.Delivery) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calm {
		return nil
	}
	switch s.rng.IntN(12) {
	case 0:
		return errors.New("no")
	case 1:
		panic("no")
	case 2:
		s.Advance(time.Duration(s.rng.IntN(4)) * time.Second)
	}
	return nil
}

// batch is what Lambda does: it gives the records from its checkpoint on, and goes by the answer, if it gets one.
func (s *story) batch() {
	rest := s.log[s.checkpoint:]
	if len(rest) == 0 {
		return
	}
	records := rest[:1+s.rng.IntN(len(rest))]
	lost := !s.calm && s.rng.IntN(5) == 0
	if !s.calm && s.rng.IntN(3) == 0 { // a second invocation has the first of them, too
		var both sync.WaitGroup
		defer both.Wait()
		part := records[:1+s.rng.IntN(len(records))]
		both.Go(func() { s.topics.FanOut(s.ctx, part) })
	}
	again := s.topics.FanOut(s.ctx, records)
	if lost {
		return
	}
	done := len(records)
	for _, id := range again {
		done = min(done, slices.IndexFunc(records, func(r topic.Record) bool { return r.ID == id }))
	}
	s.checkpoint += done
}

// again gives records that were given before, to an invocation that dies at some time.
func (s *story) again() {
	if s.checkpoint == 0 {
		return
	}
	from := s.rng.IntN(s.checkpoint)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	if s.rng.IntN(2) == 0 {
		cancel()
	}
	s.topics.FanOut(ctx, s.log[from:s.checkpoint])
}

// complete checks what the pipes hold.
func (s *story) complete() {
	s.t.Helper()
	letters := map[string]bool{}
	for _, m := range s.Messages() {
		letters[m.Body] = true
	}
	givenUp := 0
	for _, id := range s.ids {
		held := s.held(id)
		for p, all := range s.published {
			var of []string
			for _, m := range held {
				if strings.HasPrefix(m, `"`+p+"-") {
					of = append(of, m)
				}
			}
			if !slices.Equal(of, all) {
				missing := slices.DeleteFunc(slices.Clone(all), func(m string) bool { return slices.Contains(of, m) })
				if givenUp += len(missing); !slices.IsSorted(of) || len(slices.Compact(slices.Clone(of))) != len(of) || len(of)+len(missing) != len(all) {
					s.t.Errorf("%s holds of %s\n%.40q, published were\n%.40q", s.name(id), p, of, all)
				}
			}
		}
	}
	if givenUp > len(letters) {
		s.t.Errorf("%d are missing, %d are in dead letters", givenUp, len(letters))
	}
}
