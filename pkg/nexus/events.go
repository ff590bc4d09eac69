package nexus

import (
	"context"
	"fmt"

	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/pipe"
	"nexus/pkg/session"
	"nexus/pkg/store"
	"nexus/pkg/task"
	"nexus/pkg/timer"
	"nexus/pkg/topic"
)

// repairs tells by table who reads back what its stream says has changed.
func (b *Bus) repairs() map[string]func(ctx context.Context, keys [][2]string) error {
	return map[string]func(context.Context, [][2]string) error{store.Pipes: b.Pipes.Changed, store.Tasks: b.Tasks.Changed}
}

// Repaired returns the table of a name, as DynamoDB knows it, if there is one whose stream repair reads.
func (b *Bus) Repaired(name string) (store.Table, bool) {
	for _, t := range store.Schema() {
		if _, ok := b.repairs()[t.Name]; ok && b.prefix+t.Name == name {
			return t, true
		}
	}
	return store.Table{}, false
}

// Changed is told of items of a table by its stream.
func (b *Bus) Changed(ctx context.Context, table string, keys [][2]string) error {
	changed, ok := b.repairs()[table]
	if !ok {
		return fmt.Errorf("nothing repairs the table %s", table)
	}
	ctx, publish := b.hooks.Collect(ctx)
	defer publish()
	return changed(ctx, keys)
}

// Removed is told by a table's stream of items that are gone. There is nothing of them to repair.
func (b *Bus) Removed(ctx context.Context, table string, keys [][2]string) {
	if table == store.Tasks {
		b.Tasks.Removed(ctx, keys)
	}
}

// Publishes tells whether a table, named as DynamoDB knows it, is that whose stream's records are publications.
func (b *Bus) Publishes(name string) bool { return name == b.prefix+store.Topics }

// Record is a record of that stream.
type Record = topic.Record

// Published hands out publications, and returns the ids of the records that must come again. There is at least one record.
func (b *Bus) Published(ctx context.Context, records []Record) (again []string) {
	ctx, publish := b.hooks.Collect(ctx)
	defer publish()
	return b.Topics.FanOut(deliver.Hasty(ctx), records)
}

// wakes tells by kind what a message of the delay queue does.
func (b *Bus) wakes() map[string]func(context.Context, timer.Wake) error {
	return map[string]func(context.Context, timer.Wake) error{
		pipe.WakeDeadline:  b.Pipes.Woken,
		pipe.WakeInspect:   b.Pipes.Woken,
		pipe.WakeLook:      b.Pipes.Woken,
		session.WakeEnded:  b.Sessions.Woken,
		session.WakeKick:   b.Sessions.WokenToKick,
		session.WakeLogin:  b.Sessions.WokenToLogin,
		session.WakeReload: b.Sessions.WokenToReload,
		session.WakeSlow:   b.Sessions.WokenToSlow,
		session.WakeSweep:  func(ctx context.Context, w timer.Wake) error { return b.Sessions.Sweep(ctx, w.Cursor) },
		task.WakeDeadline:  b.Tasks.Woken,
		task.WakeInspect:   b.Tasks.Woken,
		task.WakePath:      b.Tasks.Woken,
		topic.WakeAppend:   b.Topics.Woken,
		topic.WakeGone:     b.Topics.Woken,
	}
}

// Woken does what a message of the delay queue says. An error says that it must come again.
func (b *Bus) Woken(ctx context.Context, w timer.Wake) error {
	return b.WokenAll(ctx, []timer.Wake{w})[0]
}

// WokenAll does what some messages say, side by side, and returns the error of each.
func (b *Bus) WokenAll(ctx context.Context, list []timer.Wake) []error {
	ctx, publish := b.hooks.Collect(ctx)
	defer publish()
	all := b.chores
	all.For = 0 // a message that is not begun would come again much later
	return all.Each(ctx, len(list), func(ctx context.Context, n int) error { return b.woken(ctx, list[n]) })
}

// woken does what a message says. What comes after it wrote down what it did is repair's: it need not come again for that.
func (b *Bus) woken(ctx context.Context, w timer.Wake) error {
	wake, ok := b.wakes()[w.Kind]
	if !ok {
		return fmt.Errorf("a message of the unknown kind %q", w.Kind)
	}
	err := wake(ctx, w)
	switch {
	case deliver.OnlyUndelivered(err):
		return nil
	case call.IsRecorded(err) && ctx.Err() == nil:
		b.log.Warn("timer", "kind", w.Kind, "key", w.Key, "error", err)
		return nil
	}
	return err
}
