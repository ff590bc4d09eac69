// Package chores is how one invocation works off many items that have nothing to do with one another: side by side, for as long as it may begin new ones,
// and so that what becomes of one is no other's affair.
package chores

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"nexus/pkg/deliver"
)

// Abreast is how many items an invocation works on at a time, where nothing else is set.
const Abreast = 32

// ErrTime is the error of an item that was not begun: the invocation's time was up.
var ErrTime = errors.New("the invocation's time is up")

// Chores says how an invocation works. Its zero value works on one item at a time, without end.
type Chores struct {
	Now     func() time.Time
	For     time.Duration // how long it begins new items; zero: as long as there are any
	Abreast int           // how many it works on at a time; below 2: one
}

// ending is how much of a function's time is kept for what is to be done about the items that had none.
const ending = 1500 * time.Millisecond

// Each does something with each of n items, numbered from 0, and returns the error of each; that of a panic for a panic. The first is always begun. The context of
// all of them is hasty (package deliver), and ends a while before that of the function.
func (c Chores) Each(ctx context.Context, n int, do func(ctx context.Context, i int) error) []error {
	errs := make([]error, n)
	if n == 0 {
		return errs
	}
	ctx = deliver.Hasty(ctx)
	if end, limited := ctx.Deadline(); limited {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, end.Add(-ending))
		defer stop()
	}
	var until time.Time
	if c.For > 0 {
		until = c.Now().Add(c.For)
	}
	var mu sync.Mutex
	next := 0
	begin := func() (i int, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if i = next; i == n {
			return 0, false
		}
		if next++; i > 0 && c.For > 0 && !c.Now().Before(until) {
			errs[i] = ErrTime
		}
		return i, true
	}
	work := func() {
		for i, ok := begin(); ok; i, ok = begin() {
			if errs[i] == nil {
				errs[i] = Caught(func() error { return do(ctx, i) })
			}
		}
	}
	var others sync.WaitGroup
	for range min(c.Abreast, n) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
	return errs
}

// Join returns what errors of Each say together, with ErrTime once where it is that of some.
func Join(errs []error) error {
	var failed []error
	late := false
	for _, err := range errs {
		if errors.Is(err, ErrTime) {
			late = true
		} else if err != nil {
			failed = append(failed, err)
		}
	}
	if late {
		failed = append(failed, ErrTime)
	}
	return errors.Join(failed...)
}

// Caught takes a step, and makes an error of a panic, which in a goroutine of its own would end the process.
func Caught(step func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return step()
}
