package task

import (
	"context"
	"time"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// The kinds of messages that wake this family.
const (
	// WakeDeadline comes at the deadline of a pull or task, or on the way to it. It names the item and its kind.
	WakeDeadline = "task.deadline"
	// WakeInspect comes when an item that changed is old enough for repair.
	WakeInspect = "task.inspect"
	// WakePath comes when the row of an emptied path is old enough to go. It names the path.
	WakePath = "task.path"
)

// expire ends an item of a kind whose deadline has passed. It is told by no attempt: the deadline of a rejected task is the same one.
func (t *Tasks) expire(ctx context.Context, k key, kind string) error {
	if kind == kindPull {
		t.noteServed(ctx, k.path())
	}
	_, _, err := t.finish(ctx, k, end{outcome: jsonrpc.Failure(jsonrpc.Err(jsonrpc.Timeout, "")), request: t.NewID(),
		actions: []string{actionTimeout}, only: "#kind = :kind AND #dl <= :now", values: store.Item{":kind": store.S(kind)}})
	return err
}

// expireIfDue is for a handler whose deadline passed while it was at work: its timer may have come before there was anything to find.
func (t *Tasks) expireIfDue(ctx context.Context, k key, kind string, deadline time.Time) error {
	if deadline.After(t.Now()) {
		return nil
	}
	return t.expire(ctx, k, kind)
}

// Woken does what a message says: it acts if the item is of that kind, open and past its deadline, and goes on to the deadline if that is ahead.
func (t *Tasks) Woken(ctx context.Context, w timer.Wake) error {
	if w.Kind == WakePath && len(w.Key) == 1 {
		return t.emptied(ctx, w.Key, true)
	}
	if len(w.Key) < 2 {
		return errNoTimer
	}
	k := key{w.Key[0], w.Key[1]}
	if w.Kind == WakeInspect {
		return t.inspectAgain(ctx, k, w.Cursor[inspectedAt])
	}
	if len(w.Key) != 3 {
		return errNoTimer
	}
	i, err := t.DB.Get(ctx, store.Tasks, k.item())
	if err != nil || i == nil {
		return err
	}
	e := decode(i)
	left := e.deadline.Sub(t.Now())
	switch {
	case !e.open() || e.kind != w.Key[2]:
		return nil
	case left > 0:
		return t.Timer.After(ctx, left, w)
	}
	return t.expire(ctx, k, e.kind)
}
