package lambda

import (
	"context"
	"time"

	"nexus/localstack/clock"
)

// withTimeout is context.WithTimeout on c.
func withTimeout(ctx context.Context, c clock.Clock, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := c.(clock.Real); ok {
		return context.WithTimeout(ctx, d)
	}
	inner, cancel := context.WithCancelCause(ctx)
	stop := c.AfterFunc(d, func() { cancel(context.DeadlineExceeded) })
	return &timeoutContext{inner, c.Now().Add(d)}, func() {
		stop()
		cancel(context.Canceled)
	}
}

// timeoutContext ends by a clock that context does not know. Its deadline is in that clock's time: a handler compares it with the same clock, and
// must not open sockets under it, as package net would take it for the machine's time.
type timeoutContext struct {
	context.Context
	deadline time.Time
}

func (c *timeoutContext) Deadline() (time.Time, bool) {
	if d, ok := c.Context.Deadline(); ok && d.Before(c.deadline) {
		return d, true
	}
	return c.deadline, true
}

func (c *timeoutContext) Err() error {
	err := c.Context.Err()
	if err != nil && context.Cause(c.Context) == context.DeadlineExceeded {
		return context.DeadlineExceeded
	}
	return err
}
