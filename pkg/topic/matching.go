package topic

import (
	"context"
	"errors"
	"time"

	"nexus/pkg/store"

	"golang.org/x/sync/errgroup"
)

// matching counts the subscriptions to some names that are there at a time. It reads pages of 1 MB, which hold some ten thousand of them: a publisher waits for it.
func (t *Topics) matching(ctx context.Context, patterns []string, at time.Time) (n int64, err error) {
	numbers, errs := make([]int64, len(patterns)), make([]error, len(patterns))
	var g errgroup.Group
	g.SetLimit(queries)
	for i, topic := range patterns {
		g.Go(func() error {
			numbers[i], errs[i] = t.count(ctx, topic, at)
			return nil
		})
	}
	_ = g.Wait() // each error is in errs
	for _, number := range numbers {
		n += number
	}
	return n, errors.Join(errs...)
}

// count counts the pipes that are subscribed at a time to what is given as it is.
func (t *Topics) count(ctx context.Context, topic string, at time.Time) (n int64, err error) {
	q := store.Query{Table: store.Topics, If: "#part = :part", Values: store.Item{":part": store.S(partSubscribers + topic)}, Projection: spanAttributes}
	for {
		items, next, err := t.DB.Query(ctx, q)
		if err != nil {
			return 0, err
		}
		for _, i := range items {
			if spansOf(i).has(at) {
				n++
			}
		}
		if q.Start = next; next == nil {
			return n, nil
		}
	}
}
