package stack_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/stack"
	"nexus/localstack/transcript"
	"nexus/pkg/nexus"
)

var (
	bad      = flag.Int("bad", 2, "play each transcript on this many slow buses")
	firstBad = flag.Uint64("firstbad", 1, "the seed of the first of them")
)

// TestTranscriptsOnASlowBus plays the transcripts where each request of a function takes its time, one in eight almost half a second, and streams and
// timers run late, as on a busy machine or on AWS: a story that takes for granted what nobody promised fails here, and again with the same seed.
func TestTranscriptsOnASlowBus(t *testing.T) {
	for _, script := range scripts(t) {
		if script.Elapses() > 0 { // its times are exact
			continue
		}
		for n := range uint64(*bad) {
			seed := *firstBad + n
			t.Run(fmt.Sprint(strings.TrimSuffix(script.Name, ".txt"), "/", seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					slow := &slowness{dice: rand.New(rand.NewPCG(seed, 0))}
					s := start(t, stack.Config{Chances: ordered(), Wire: slow.wire, Invoke: slow.invoke})
					if err := script.Play(t.Context(), &inProcess{s.Gateway}); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// slowness delays what the functions of a stack do.
type slowness struct {
	mu   sync.Mutex
	dice *rand.Rand
}

func (s *slowness) upTo(d time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Duration(s.dice.Int64N(int64(d)))
}

func (s *slowness) wire(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		wait := s.upTo(20 * time.Millisecond)
		if s.upTo(8) == 0 {
			wait = s.upTo(450 * time.Millisecond) // before and after, less than an attempt may take
		}
		if err := transcript.Sleep(r.Context(), wait); err != nil {
			return nil, err
		}
		answer, err := next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		return answer, transcript.Sleep(r.Context(), s.upTo(wait+1))
	})
}

func (s *slowness) invoke(next stack.Invoke) stack.Invoke {
	return func(ctx context.Context, function string, payload []byte) ([]byte, error) {
		if function == nexus.FunctionTimer || function == nexus.FunctionStream {
			if err := transcript.Sleep(ctx, s.upTo(2*time.Second)); err != nil {
				return nil, err
			}
		}
		return next(ctx, function, payload)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
