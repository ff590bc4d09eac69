package deliver

import (
	"context"
	"sync"
	"time"
)

// Paced returns a Poster to the same connections that makes at most rate posts in any second, those of all its callers together. sleep waits, or returns the
// context's error.
func (p *Poster) Paced(rate int, now func() time.Time, sleep func(context.Context, time.Duration) error) *Poster {
	paced := *p
	paced.pace = &pace{now: now, sleep: sleep, last: make([]time.Time, rate)}
	return &paced
}

// pace keeps each post a second from the one that was as many posts before as there may be in a second.
type pace struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error

	mu   sync.Mutex
	last []time.Time // of the posts a second may have, when the last ones were, or will be; a ring
	next int         // in last: the oldest
}

// wait waits for a caller's turn.
func (p *pace) wait(ctx context.Context) error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	now := p.now()
	at := p.last[p.next].Add(time.Second)
	if at.Before(now) {
		at = now
	}
	p.last[p.next], p.next = at, (p.next+1)%len(p.last)
	p.mu.Unlock()
	if left := at.Sub(now); left > 0 {
		return p.sleep(ctx, left)
	}
	return nil
}
