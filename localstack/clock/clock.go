// Package clock is the local stack's time. Everything in the stack that waits does so through a Clock, so that a test moves time instead of
// sleeping. Inside a testing/synctest bubble Real is already virtual; over real sockets, which a bubble cannot hold, tests use Manual.
package clock

import (
	"container/heap"
	"sync"
	"time"
)

// Clock tells the time and calls back later.
type Clock interface {
	Now() time.Time
	// AfterFunc calls f in a goroutine of its own once d has passed (at once if d is not positive). stop cancels it and reports whether it
	// did so before f was started.
	AfterFunc(d time.Duration, f func()) (stop func() bool)
}

// Real is the machine's clock, or a synctest bubble's inside one.
type Real struct{}

// Now returns the current time.
func (Real) Now() time.Time { return time.Now() }

// AfterFunc is time.AfterFunc.
func (Real) AfterFunc(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }

// Manual is a clock that stands still until Advance moves it. The zero value starts at the zero time; use NewManual.
type Manual struct {
	mu     sync.Mutex
	now    time.Time
	timers timerHeap
	seq    int
}

// NewManual returns a clock that stands at start.
func NewManual(start time.Time) *Manual { return &Manual{now: start} }

// Now returns where the clock stands.
func (m *Manual) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

// AfterFunc implements Clock.
func (m *Manual) AfterFunc(d time.Duration, f func()) func() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d <= 0 {
		go f()
		return func() bool { return false }
	}
	m.seq++
	t := &timer{at: m.now.Add(d), seq: m.seq, f: f}
	heap.Push(&m.timers, t)
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		if t.index < 0 {
			return false
		}
		heap.Remove(&m.timers, t.index)
		return true
	}
}

// Advance moves the clock by d and starts, in their order, the functions that fall due on the way. It does not wait for them.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := m.now.Add(d)
	for len(m.timers) > 0 && !m.timers[0].at.After(end) {
		t := heap.Pop(&m.timers).(*timer)
		m.now = t.at
		go t.f()
	}
	m.now = end
}

type timer struct {
	at    time.Time
	seq   int // ties fire in the order they were set
	f     func()
	index int
}

// timerHeap orders timers by due time; a timer's index is -1 once it left.
type timerHeap []*timer

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	t.index = -1
	*h = old[:len(old)-1]
	return t
}
