package chores_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nexus/pkg/chores"
	"nexus/pkg/deliver"
)

// TestOneItemHoldsUpNoOther: while one hangs all others are done, and none by more than are worked on at a time.
func TestOneItemHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var under, most atomic.Int64
		done := make([]time.Duration, 100)
		errs := chores.Chores{Now: time.Now, Abreast: 4}.Each(t.Context(), len(done), func(ctx context.Context, i int) error {
			most.Store(max(most.Load(), under.Add(1)))
			defer under.Add(-1)
			if !deliver.IsHasty(ctx) {
				t.Error("its context is not hasty")
			}
			if i == 7 {
				<-time.After(time.Hour)
			}
			<-time.After(time.Second)
			done[i] = time.Since(began)
			return nil
		})
		for i, d := range done {
			if errs[i] != nil || (i != 7 && d > 40*time.Second) {
				t.Errorf("item %d: %v after %v", i, errs[i], d)
			}
		}
		if most.Load() != 4 {
			t.Errorf("%d at a time", most.Load())
		}
	})
}

// TestWhatThereIsNoTimeFor is not begun, but for the first; a failure or a panic is its item's own.
func TestWhatThereIsNoTimeFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := chores.Chores{Now: time.Now, For: 3 * time.Second}
		failed := errors.New("failed")
		errs := c.Each(t.Context(), 6, func(_ context.Context, i int) error {
			<-time.After(time.Second)
			switch i {
			case 1:
				return failed
			case 2:
				panic("broken")
			}
			return nil
		})
		for i, want := range []error{nil, failed, nil, chores.ErrTime, chores.ErrTime, chores.ErrTime} {
			if i == 2 && errs[i] != nil && strings.Contains(errs[i].Error(), "broken") {
				continue
			}
			if !errors.Is(errs[i], want) {
				t.Errorf("item %d: %v, want %v", i, errs[i], want)
			}
		}
		c.For = time.Nanosecond
		if errs := c.Each(t.Context(), 1, func(context.Context, int) error { <-time.After(time.Second); return failed }); !errors.Is(errs[0], failed) {
			t.Errorf("the only one: %v", errs[0])
		}
		if errs := c.Each(t.Context(), 0, nil); len(errs) != 0 {
			t.Error(errs)
		}
	})
}

// TestItemsEndBeforeTheirFunction: there is time left to hand on what was not done.
func TestItemsEndBeforeTheirFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
		defer stop()
		errs := chores.Chores{}.Each(ctx, 1, func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() })
		if !errors.Is(errs[0], context.DeadlineExceeded) || ctx.Err() != nil {
			t.Errorf("%v; the function's own: %v", errs[0], ctx.Err())
		}
	})
}
