package deliver

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// TestPace: at most so many in any second, whoever they are, and no slower than that.
func TestPace(t *testing.T) {
	for _, rate := range []int{1, 7, 500} {
		synctest.Test(t, func(t *testing.T) {
			p := (&Poster{}).Paced(rate, time.Now, sleep).pace
			var mu sync.Mutex
			var at []time.Time
			posts := func() {
				for range rate {
					if err := p.wait(t.Context()); err != nil {
						t.Error(err)
					}
					mu.Lock()
					at = append(at, time.Now())
					mu.Unlock()
				}
			}
			began := time.Now()
			var all sync.WaitGroup
			for range 4 {
				all.Go(posts)
			}
			all.Wait()
			<-time.After(300 * time.Millisecond)
			posts()
			for n := rate; n < len(at); n++ {
				if apart := at[n].Sub(at[n-rate]); apart < time.Second {
					t.Fatalf("posts %d and %d are %s apart", n-rate, n, apart)
				}
			}
			if took := at[len(at)-1].Sub(began); took > 4300*time.Millisecond {
				t.Errorf("it took %s", took)
			}
		})
	}
}

// TestPaceOfOneWhoIsGone: who does not wait does not post.
func TestPaceOfOneWhoIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := (&Poster{}).Paced(1, time.Now, sleep).pace
		ctx, cancel := context.WithCancel(t.Context())
		if err := p.wait(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		if err := p.wait(ctx); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if err := (*pace)(nil).wait(ctx); err != nil {
			t.Error("without a pace there is nothing to wait for:", err)
		}
	})
}
