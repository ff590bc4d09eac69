package topic

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"nexus/pkg/store"

	"golang.org/x/sync/errgroup"
)

// target is a subscription that a publication matches.
type target struct {
	topic  string // as it was subscribed to
	pipeid string
	at     string // its place among all: those before it compare less, those behind it greater
}

// place names a place among the subscriptions that a publication matches: behind pipeid among those to the pattern of a number.
func place(pattern int, pipeid string) string { return fmt.Sprintf("%03d/%s", pattern, pipeid) }

// done is behind all places.
const done = "~"

// walk goes through the subscriptions that a published topic matches, in an order that is always the same.
type walk struct {
	t        *Topics
	patterns []string
	pattern  int    // the one it is at
	after    string // the pipe it is behind there

	first []page // of each pattern, read together
	page
}

// page is pipes that are subscribed to one pattern.
type page struct {
	pipes []string
	more  bool
}

const (
	// pageSize is how many subscriptions are read at a time.
	pageSize = 500
	// queries is how many patterns are looked up at a time.
	queries = 16
)

// newWalk begins behind a place, "" being the beginning.
func (t *Topics) newWalk(ctx context.Context, patterns []string, at string) (*walk, error) {
	w := &walk{t: t, patterns: patterns}
	if at == done {
		w.pattern = len(w.patterns)
		return w, nil
	}
	if at != "" {
		number, after, _ := strings.Cut(at, "/")
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 || n >= len(w.patterns) || after == "" {
			return nil, fmt.Errorf("%q is no place among the subscriptions to %d names", at, len(patterns))
		}
		w.pattern, w.after = n, after
	}
	w.first = make([]page, len(w.patterns))
	errs := make([]error, len(w.patterns))
	var g errgroup.Group
	g.SetLimit(queries)
	for n := w.pattern; n < len(w.patterns); n++ {
		after := ""
		if n == w.pattern {
			after = w.after
		}
		g.Go(func() error {
			w.first[n], errs[n] = t.subscribers(ctx, w.patterns[n], after)
			return nil
		})
	}
	_ = g.Wait() // each error is in errs
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if w.pattern < len(w.first) {
		w.page = w.first[w.pattern]
	}
	return w, nil
}

// subscribers reads a page of the pipes that are subscribed to what is given as it is, behind one of them.
func (t *Topics) subscribers(ctx context.Context, topic, after string) (page, error) {
	q := store.Query{Table: store.Topics, If: "#part = :part", Values: store.Item{":part": store.S(partSubscribers + topic)}, Projection: "#row",
		Limit: pageSize}
	if after != "" {
		q.Start = subscriber(topic, after)
	}
	items, next, err := t.DB.Query(ctx, q)
	p := page{more: next != nil}
	for _, i := range items {
		p.pipes = append(p.pipes, i.Str("row"))
	}
	return p, err
}

// next returns the next subscriptions, at most so many; none at the end.
func (w *walk) next(ctx context.Context, most int) ([]target, error) {
	var list []target
	for len(list) < most && w.pattern < len(w.patterns) {
		switch {
		case len(w.pipes) > 0:
			w.after, w.pipes = w.pipes[0], w.pipes[1:]
			list = append(list, target{w.patterns[w.pattern], w.after, place(w.pattern, w.after)})
		case w.more:
			var err error
			if w.page, err = w.t.subscribers(ctx, w.patterns[w.pattern], w.after); err != nil {
				return nil, err
			}
		default:
			w.after, w.page = "", page{}
			if w.pattern++; w.pattern < len(w.first) {
				w.page = w.first[w.pattern]
			}
		}
	}
	return list, nil
}
