// Package clock is the local stack's time. Everything in the stack that waits does so through a Clock, so that a test moves time instead of
// sleeping. Inside a testing/synctest bubble Real is already virtual; over real sockets, which a bubble cannot hold, tests use Manual.
package clock

import (
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
	timers Agenda[func()]
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
	t := m.timers.Add(m.now.Add(d), f)
	return func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.timers.Remove(t)
	}
}

// Advance moves the clock by d and starts, in their order, the functions that fall due on the way. It does not wait for them.
func (m *Manual) Advance(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end := m.now.Add(d)
	for {
		at, _ := m.timers.Next()
		f, due := m.timers.Pop(end)
		if !due {
			break
		}
		m.now = at
		go f()
	}
	m.now = end
}
