package task

import (
	"context"
	"errors"
	"slices"
	"strings"

	"nexus/pkg/call"
	"nexus/pkg/chores"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Ended takes what a session that has ended leaves behind: waiting pulls go, tasks it pushed are dropped unless detached, tasks that it worked
// on return. A hand-over that is not marked is left to its claimer and, later, to repair: the worker may never have seen the task.
func (t *Tasks) Ended(ctx context.Context, end call.End, rows []call.Row) error {
	keys := make([]key, len(rows))
	for n, row := range rows {
		keys[n] = row.Item
	}
	items, err := t.read(ctx, keys)
	if err != nil {
		return err
	}
	// Pulls first: a task that goes back is not to meet one of the same session.
	slices.SortStableFunc(items, func(a, b *item) int { return strings.Compare(a.kind, b.kind) })
	return chores.Join(t.Chores.Each(ctx, len(items), func(ctx context.Context, n int) error {
		return t.orphan(ctx, end, items[n])
	}))
}

// orphan takes an item from a session that has ended.
func (t *Tasks) orphan(ctx context.Context, gone call.End, e *item) error {
	connid := gone.Connid
	switch {
	case !e.open():
	case e.kind == kindPull && e.worker == connid:
		return t.withdraw(ctx, e)
	case e.kind == kindTask && e.pusher == connid && !e.detached:
		return t.drop(ctx, e)
	case e.kind == kindTask && e.state == working && e.worker == connid:
		if rows, err := t.Rows.Exist(ctx, e.mark); err != nil || !rows[e.mark] {
			return err
		}
		if gone.TooBig {
			return t.fail(ctx, e, "#state = :working AND #att = :att", store.Item{":att": store.N(e.attempt)})
		}
		return t.lose(ctx, e)
	case e.kind == kindTask && gone.TooBig && e.lost == connid:
		return t.fail(ctx, e, "#lost = :lost", store.Item{":lost": store.S(connid)})
	}
	return nil
}

// tooBig is what the pusher of a task is told whose worker's connection was closed for what it sent, most likely its result.
const tooBig = "the worker's connection was closed for a frame over 32 KB, or a message over 128 KB"

// fail ends a task whose worker sent too much, which the next one would do again: as long as it is as it was read, by a condition.
func (t *Tasks) fail(ctx context.Context, e *item, only string, vals store.Item) error {
	vals[":task"] = store.S(kindTask)
	_, _, err := t.finish(ctx, e.key, end{outcome: jsonrpc.Failure(jsonrpc.Err(jsonrpc.LimitExceeded, tooBig)), request: t.NewID(),
		actions: []string{actionPullerDisconnect}, only: "#kind = :task AND #dl > :now AND " + only, values: vals}) // past its deadline it is the deadline's
	if deliver.OnlyUndelivered(err) {
		return nil // it is recorded; repair posts it
	}
	return err
}

// withdraw deletes a pull that waits for a session that is gone.
func (t *Tasks) withdraw(ctx context.Context, e *item) error {
	t.noteServed(ctx, e.path())
	// Key: the pull. Condition: it is still a pull that waits. Effect: gone. A loser finds it converted to a task, or over.
	_, err := t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: e.item(), If: "#kind = :pull AND #state = :waiting",
		Values: store.Item{":pull": store.S(kindPull), ":waiting": store.S(waiting)}})
	if _, lost := store.Lost(err); lost {
		return nil
	}
	return err
}

// drop ends a task whose pusher is gone, with no outcome for anybody.
func (t *Tasks) drop(ctx context.Context, e *item) error {
	_, _, err := t.finish(ctx, e.key, end{request: t.NewID(), actions: []string{actionPusherDisconnect}, only: "#kind = :task AND #push = :push",
		values: store.Item{":task": store.S(kindTask), ":push": store.S(e.push)}})
	return err
}

// lose returns a task whose worker is gone, and finds it another.
func (t *Tasks) lose(ctx context.Context, e *item) error {
	back, err := t.giveBack(ctx, e, homeward{action: actionPullerDisconnect, lost: e.worker})
	if errors.Is(err, errMoved) {
		return nil
	}
	if err != nil || !back {
		return err
	}
	return t.settleTask(ctx, e.path(), nil)
}
