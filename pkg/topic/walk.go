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

// target is a subscription to what a publication matches.
type target struct {
	topic  string // as it was subscribed to
	pipeid string
	spans  spans
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
	at       string // its place, once it is behind any

	first []page // of each pattern, read together
	page
}

// page is pipes that are, or were, subscribed to one pattern.
type page struct {
	pipes []target
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

// subscribers reads a page of the pipes that are, or were, subscribed to what is given as it is, behind one of them.
func (t *Topics) subscribers(ctx context.Context, topic, after string) (page, error) {
	q := store.Query{Table: store.Topics, If: "#part = :part", Values: store.Item{":part": store.S(partSubscribers + topic)},
		Projection: spanAttributes, Limit: pageSize}
	if after != "" {
		q.Start = subscriber(topic, after)
	}
	items, next, err := t.DB.Query(ctx, q)
	p := page{more: next != nil}
	for _, i := range items {
		p.pipes = append(p.pipes, target{topic: topic, pipeid: i.Str("row"), spans: spansOf(i)})
	}
	return p, err
}

// ended tells whether it is behind all subscriptions.
func (w *walk) ended() bool { return w.pattern >= len(w.patterns) }

// next returns the next subscriptions that match any of some publications, at most so many: those of the rest of the page it is at and of one more, for
// many who are not subscribed any more may be between two who are.
func (w *walk) next(ctx context.Context, pubs []*publication, most int) ([]target, error) {
	var list []target
	for fetched := false; len(list) < most && !w.ended(); {
		switch {
		case len(w.pipes) > 0:
			to := w.pipes[0]
			w.pipes, w.after, w.at = w.pipes[1:], to.pipeid, place(w.pattern, to.pipeid)
			if to.at = w.at; to.spans.any(pubs) {
				list = append(list, to)
			}
		case w.more && fetched:
			return list, nil
		case w.more:
			var err error
			if w.page, err = w.t.subscribers(ctx, w.patterns[w.pattern], w.after); err != nil {
				return nil, err
			}
			fetched = true
		default:
			w.after, w.page = "", page{}
			if w.pattern++; w.pattern < len(w.first) {
				w.page = w.first[w.pattern]
			}
		}
	}
	return list, nil
}

// spansOfAll reads when a pipe was subscribed to any of some names.
func (t *Topics) spansOfAll(ctx context.Context, patterns []string, pipeid string) (spans, error) {
	keys := make([]store.Key, len(patterns))
	for n, topic := range patterns {
		keys[n] = store.Key{Table: store.Topics, Key: subscriber(topic, pipeid)}
	}
	found, err := t.DB.GetAll(ctx, keys, spanAttributes)
	var all spans
	for _, f := range found {
		all = append(all, spansOf(f.Item)...)
	}
	return all, err
}
