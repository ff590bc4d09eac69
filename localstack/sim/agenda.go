package sim

import (
	"container/heap"
	"sync"
	"time"
)

// agenda is what is planned: everything that waits for a time waits here, so that the scheduler alone moves time and two things that are due at
// once come in an order. It is the clock of the local stack (clock.Clock).
type agenda struct {
	mu     sync.Mutex
	events eventHeap
	seq    int
}

type event struct {
	at    time.Time
	seq   int
	f     func()
	index int // -1: not planned any more
}

// Now implements clock.Clock. In the bubble the machine's clock is the simulated one.
func (a *agenda) Now() time.Time { return time.Now() }

// AfterFunc implements clock.Clock. f is called by the scheduler, between two steps.
func (a *agenda) AfterFunc(d time.Duration, f func()) func() bool {
	e := a.add(time.Now().Add(max(d, 0)), f)
	return func() bool {
		a.mu.Lock()
		defer a.mu.Unlock()
		if e.index < 0 {
			return false
		}
		heap.Remove(&a.events, e.index)
		return true
	}
}

// add plans f for a time.
func (a *agenda) add(at time.Time, f func()) *event {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seq++
	e := &event{at: at, seq: a.seq, f: f}
	heap.Push(&a.events, e)
	return e
}

// next tells when the first event is due; false if nothing is planned.
func (a *agenda) next() (time.Time, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.events) == 0 {
		return time.Time{}, false
	}
	return a.events[0].at, true
}

// pop returns what is due, nil if nothing is.
func (a *agenda) pop(now time.Time) func() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.events) == 0 || a.events[0].at.After(now) {
		return nil
	}
	return heap.Pop(&a.events).(*event).f
}

// eventHeap orders events by time, then by when they were planned.
type eventHeap []*event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}
func (h eventHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *eventHeap) Push(x any) {
	e := x.(*event)
	e.index = len(*h)
	*h = append(*h, e)
}
func (h *eventHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	e.index = -1
	*h = old[:len(old)-1]
	return e
}
