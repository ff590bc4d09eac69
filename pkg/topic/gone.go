package topic

import (
	"context"
	"errors"

	"nexus/pkg/store"
	"nexus/pkg/timer"

	"golang.org/x/sync/errgroup"
)

// WakeGone is the kind of message that goes on removing the subscriptions of a pipe that is gone. It names the pipe.
const WakeGone = "topic.gone"

// removals is how many subscriptions of a pipe are removed at a time.
const removals = 16

// PipeGone removes the subscriptions of a pipe that is closed, which nobody can subscribe any more. A pipe that has none costs one read. What does
// not fit in Chores goes on by a message.
func (t *Topics) PipeGone(ctx context.Context, pipeid string) error {
	until := t.Now().Add(t.Chores)
	q := store.Query{Table: store.Topics, If: "#part = :part", Values: store.Item{":part": store.S(partPipe + pipeid)}, Limit: 16 * removals}
	for {
		items, next, err := t.DB.Query(ctx, q)
		if err != nil {
			return err
		}
		errs := make([]error, len(items))
		var g errgroup.Group
		g.SetLimit(removals)
		for n, item := range items {
			g.Go(func() error {
				errs[n] = t.remove(ctx, item.Str("row"), pipeid)
				return nil
			})
		}
		_ = g.Wait() // each error is in errs
		if err := errors.Join(errs...); err != nil || next == nil {
			return err
		}
		if q.Start = next; t.Now().After(until) {
			return t.Timer.After(ctx, 0, timer.Wake{Kind: WakeGone, Key: []string{pipeid}})
		}
	}
}

// remove removes a subscription of a pipe that is gone: by the row that it is found by last.
func (t *Topics) remove(ctx context.Context, topic, pipeid string) error {
	keys := []store.Item{subscriber(topic, pipeid), subscribed(pipeid, topic)}
	if t.Hears(topic) {
		keys = append([]store.Item{listener(Subscription{pipeid, topic})}, keys...)
	}
	for _, key := range keys {
		// Key: a row of the subscription. No condition: a pipe that is gone is not subscribed again. Effect: the row is gone.
		if _, err := t.DB.Do(ctx, store.Write{Table: store.Topics, Key: key}); err != nil {
			return err
		}
	}
	return nil
}
