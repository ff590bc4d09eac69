package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/gateway"
	"nexus/pkg/deliver"
)

// A hasty post has one attempt, and none while the connection took nothing within the last second; what its own client waits for is tried again, but only
// once more as long as nothing is taken.
func TestWhatAConnectionThatTakesNothingIsWorth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		tries := func() int { n := forever - b.full; b.full = forever; return n }
		post := func(ctx context.Context) (attempts int) {
			t.Helper()
			err := b.Post(ctx, b.connid, []byte(`1`))
			if !errors.Is(err, deliver.ErrUndelivered) || !deliver.OnlyUndelivered(err) || errors.Is(err, deliver.ErrGone) {
				t.Errorf("%v", err)
			}
			return tries()
		}
		b.full = forever
		hasty := deliver.Hasty(t.Context())
		if got := []int{post(t.Context()), post(t.Context()), post(hasty)}; !slices.Equal(got, []int{deliver.Throttled, 1, 0}) {
			t.Errorf("attempts %v", got)
		}
		<-time.After(time.Second)
		if got := []int{post(hasty), post(hasty)}; !slices.Equal(got, []int{1, 0}) {
			t.Errorf("a second later, attempts %v", got)
		}
		b.full = 0
		if err := b.Post(t.Context(), b.connid, []byte(`2`)); err != nil {
			t.Error(err)
		}
		b.full = forever
		if got := post(t.Context()); got != deliver.Throttled {
			t.Errorf("after one that was taken, %d attempts", got)
		}
	})
}

// forever is how often a client that never reads is tried at most.
const forever = 1 << 20

// A connection is told of as slow when it has taken none of a few messages for half a minute, or none of many for a while, or one that was overdue; not
// when it takes one now and then, nor for a short burst, and then twice a minute.
func TestWhenAConnectionIsSlow(t *testing.T) {
	for name, test := range map[string]struct {
		posts   int // before each pause
		pause   time.Duration
		rounds  int
		reads   bool // one message of each round
		overdue bool
		want    int
	}{
		"a burst":           {posts: 2 * deliver.TooMany, rounds: 1},
		"too many":          {posts: deliver.TooMany, pause: 6 * time.Second, rounds: 2, want: 1},
		"for too long":      {posts: 1, pause: 10 * time.Second, rounds: 4, want: 1},
		"one in a while":    {posts: 1, pause: 40 * time.Second, rounds: 2},
		"it reads slowly":   {posts: deliver.TooMany, pause: 10 * time.Second, rounds: 6, reads: true},
		"an overdue answer": {posts: 1, pause: time.Second, rounds: 2, overdue: true, want: 1},
		"for minutes":       {posts: 1, pause: 10 * time.Second, rounds: 12, want: 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t)
				told := 0
				b.Slow = func(_ context.Context, connid string, undelivered int) {
					if told++; connid != b.connid || undelivered < 1 {
						t.Errorf("%q %d", connid, undelivered)
					}
				}
				for range test.rounds {
					b.full = forever
					for range test.posts {
						err := b.Post(t.Context(), b.connid, []byte(`1`))
						if test.overdue {
							err = b.Overdue(t.Context(), b.connid, err)
						}
						if err == nil {
							t.Fatal("a client that does not read took a message")
						}
					}
					if b.full = 0; test.reads {
						if err := b.Post(t.Context(), b.connid, []byte(`2`)); err != nil {
							t.Error(err)
						}
					}
					<-time.After(test.pause)
				}
				if told != test.want {
					t.Errorf("told %d times, want %d", told, test.want)
				}
			})
		})
	}
}

// One connection that hangs holds up a hasty post for as long as Limit, those beside it too, and those that begin later not at all; nor any to another.
func TestAConnectionThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		other, err := b.gateway.Connect(t.Context(), "v0", gateway.ConnectRequest{}, &bench{})
		if err != nil {
			t.Fatal(err)
		}
		p := deliver.New(nil, time.Now)
		p.Limit = 750 * time.Millisecond
		p.Add(deliver.Node{ID: deliver.NodeID(endpoint), Stage: "v0"}, client(roundTrip(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/v0/@connections/"+other.ID() {
				return b.gateway.RoundTrip(r)
			}
			<-r.Context().Done()
			return nil, r.Context().Err()
		})))
		connid, err := p.Connid("v0", other.ID())
		if err != nil {
			t.Fatal(err)
		}
		took := func(connid string) string {
			began := time.Now()
			err := p.Post(deliver.Hasty(t.Context()), connid, []byte(`1`))
			return fmt.Sprint(time.Since(began), " ", errors.Is(err, deliver.ErrUndelivered))
		}
		var beside sync.WaitGroup
		for range 3 {
			beside.Go(func() {
				if got := took(b.connid); got != "750ms true" {
					t.Error("the first ones:", got)
				}
			})
		}
		<-time.After(500 * time.Millisecond)
		if got := took(b.connid); got != "0s true" {
			t.Error("while they hang:", got)
		}
		if got := took(connid); got != "0s false" {
			t.Error("to another:", got)
		}
		beside.Wait()
		if got := took(b.connid); got != "0s true" {
			t.Error("then:", got)
		}
	})
}

// What ends with its caller says nothing of the connection.
func TestAPostThatItsCallerGaveUp(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Post(ctx, b.connid, []byte(`1`)); err == nil || errors.Is(err, deliver.ErrUndelivered) {
		t.Error(err)
	}
	if err := b.Post(deliver.Hasty(t.Context()), b.connid, []byte(`2`)); err != nil {
		t.Error(err)
	}
}

func TestOnlyUndelivered(t *testing.T) {
	b := newBench(t)
	b.full = forever
	one := b.Post(t.Context(), b.connid, []byte(`1`))
	another := errors.New("another")
	for n, test := range []struct {
		err  error
		want bool
	}{
		{one, true}, {fmt.Errorf("call: %w", one), true}, {errors.Join(one, fmt.Errorf("x: %w", one)), true}, {nil, false}, {another, false},
		{errors.Join(one, another), false}, {fmt.Errorf("%w, %w", one, another), false}, {deliver.ErrGone, false},
	} {
		if got := deliver.OnlyUndelivered(test.err); got != test.want {
			t.Errorf("%d: %v of %v", n, got, test.err)
		}
	}
	if !deliver.FirstUndelivered(one) || deliver.FirstUndelivered(b.Post(t.Context(), b.connid, []byte(`2`))) || deliver.FirstUndelivered(another) {
		t.Error("the first is not told from others")
	}
}
