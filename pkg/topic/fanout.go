package topic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/chores"
	"nexus/pkg/deliver"

	"golang.org/x/sync/errgroup"
)

const (
	// pipesAtOnce is to how many pipes a row's publications are given at a time.
	pipesAtOnce = 32
	// stretch is to how many pipes publications go between two looks at the clock.
	stretch = 64
	// slow is how old a publication is from which on its cursor is kept before and during the work: whoever had it before may have died of it.
	slow = 10 * time.Second
	// careful is the number of attempts at one place after which pipes are taken one by one, so that the one which kills is known.
	careful = 2
	// attempts is how often a pipe is tried before it goes to the dead-letter queue.
	attempts = 5
)

var (
	// errTime says that the rest is left to the next invocation.
	errTime = errors.New("the invocation's time is up")
	// errKills is about a publication that ended everybody who had it, before the pipe at its cursor could be given up.
	errKills = errors.New("ends whoever hands it out")
)

// FanOut hands out the publications that some records of the stream are, which it must be given in the stream's order. It returns the IDs of those
// that must come again, with all later ones of their rows: of each row the first that is not done. It is safe to hand it the same records again,
// late, and several times at once.
func (t *Topics) FanOut(ctx context.Context, records []Record) (again []string) {
	until := t.Now().Add(t.Chores)
	var rows []string
	lanes := map[string]*lane{}
	for n, r := range records {
		row := r.row()
		if lanes[row] == nil {
			lanes[row] = &lane{row: row}
			rows = append(rows, row)
		}
		lanes[row].add(r, n)
	}
	cursors, err := t.cursors(ctx, rows)
	if err != nil {
		t.Log.Error("fan-out: read cursors", "error", err)
		return []string{records[0].ID}
	}
	var g errgroup.Group
	g.SetLimit(t.RowsAtOnce)
	for _, row := range rows {
		l := lanes[row]
		l.cursor = cursors[row]
		g.Go(func() error {
			t.run(ctx, l, until)
			return nil
		})
	}
	_ = g.Wait() // each lane has its own error
	return t.finish(ctx, records, rows, lanes)
}

// lane is the records of one row in a batch.
type lane struct {
	row     string
	records []Record
	places  []int // of each among all records
	cursor  cursor
	ended   int   // records that are done
	last    int64 // the publication that was done last; 0 if none was
}

func (l *lane) add(r Record, place int) {
	l.records, l.places = append(l.records, r), append(l.places, place)
}

// run hands out a row's records, in order, and stops at the first that fails.
func (t *Topics) run(ctx context.Context, l *lane, until time.Time) {
	for l.ended < len(l.records) {
		r := l.records[l.ended]
		err := chores.Caught(func() error { return t.record(ctx, l, r, until) })
		if err != nil {
			if !errors.Is(err, errTime) {
				t.Log.Error("fan-out", "row", l.row, "record", r.ID, "publication", l.cursor.n, "at", l.cursor.at, "attempt", l.cursor.tries, "error", err)
			}
			return
		}
	}
}

// record hands out the first record that is not ended, together with what follows it, or ends one that is done. One that cannot be handed out goes to
// the dead-letter queue: it could not be the next time either.
func (t *Topics) record(ctx context.Context, l *lane, r Record, until time.Time) error {
	p, bad := r.publication()
	if bad != nil {
		return l.end(t.poison(ctx, r, bad))
	}
	switch {
	case l.cursor.n > p.n, l.cursor.n == p.n && l.cursor.at == done:
		return l.end(nil)
	case l.cursor.n < p.n:
		l.cursor = cursor{n: p.n, last: p.n}
	case l.cursor.tries >= 2*attempts:
		return l.end(t.poison(ctx, r, errKills))
	}
	last, err := t.spread(ctx, l.following(p), &l.cursor, until)
	if errors.Is(err, errNoBody) {
		return l.end(t.poison(ctx, r, err))
	}
	l.last = max(l.last, last)
	return err
}

// end ends the first record that is not ended, if what was done with it is.
func (l *lane) end(err error) error {
	if err == nil {
		l.ended++
	}
	return err
}

// following is a publication, which is that of the first record that is not ended, and those behind it that may be handed out together with it.
func (l *lane) following(p *publication) []*publication {
	pubs := []*publication{p}
	for _, r := range l.records[l.ended+1:] {
		next, bad := r.publication()
		if bad != nil || !next.follows(pubs) {
			break
		}
		pubs = append(pubs, next)
	}
	return pubs
}

// finish tells which records must come again. With the first of them comes all behind it: of rows that were done with some of these their cursors say
// so.
func (t *Topics) finish(ctx context.Context, records []Record, rows []string, lanes map[string]*lane) (again []string) {
	first := len(records)
	for _, l := range lanes {
		if l.ended < len(l.records) {
			first = min(first, l.places[l.ended])
		}
	}
	for _, row := range rows {
		l := lanes[row]
		if l.ended < len(l.records) {
			again = append(again, l.records[l.ended].ID)
		} else if l.places[l.ended-1] > first && l.last > 0 {
			// Not the lane's own cursor: that may be another invocation's, at a later publication.
			if err := t.keep(ctx, row, &cursor{n: l.last, last: l.last, at: done}); err != nil { // then it is done once more
				t.Log.Warn("fan-out: keep the cursor", "row", row, "error", err)
			}
		}
	}
	return again
}

// spread gives publications to all pipes that are subscribed, behind the cursor's place: the first at least, and with it as many as may be. It
// returns the last of them that is done, with the cursor behind it; without an error the first is. Where it returns an error the cursor is kept, if
// it could be.
func (t *Topics) spread(ctx context.Context, pubs []*publication, c *cursor, until time.Time) (last int64, err error) {
	p := pubs[0]
	if !t.Now().Before(until) {
		return 0, errTime // before anything was done that would count as an attempt
	}
	kept := c.kept || t.Now().Sub(p.at) >= slow
	if c.tries++; kept {
		if err := t.keep(ctx, p.row, c); err != nil {
			return 0, err
		}
	}
	if c.n > p.n { // another invocation is through with this one
		return p.n, nil
	}
	pubs = c.among(pubs)
	tried, err := t.stretches(ctx, pubs, c, until, kept)
	switch {
	case c.n > p.n:
		return p.n, nil
	case err == nil:
		last = pubs[len(pubs)-1].n
		*c = cursor{n: last, last: last, at: done}
		return last, nil
	case !tried:
		c.tries-- // it was no attempt at the pipe behind the cursor
	}
	return 0, errors.Join(err, t.keep(ctx, p.row, c))
}

// among returns the publications that may be handed out together behind the cursor. Not those that pipes before it may not have had; and after
// failures only the first, so that one which nobody can hand out takes no other with it.
func (c *cursor) among(pubs []*publication) []*publication {
	if c.tries > careful {
		return pubs[:1]
	}
	if c.at == "" {
		return pubs
	}
	return pubs[:min(int64(len(pubs)), c.last-c.n+1)]
}

// stretches goes through the subscriptions behind the cursor, stretch by stretch. Where kept is set it keeps the cursor after each. It tells whether
// any pipe was tried.
func (t *Topics) stretches(ctx context.Context, pubs []*publication, c *cursor, until time.Time, kept bool) (tried bool, err error) {
	p := pubs[0]
	d := &delivery{pubs: pubs, patterns: t.patternsOf(p)}
	w, err := t.newWalk(ctx, d.patterns, c.at)
	if err != nil {
		return false, err
	}
	had := map[string]bool{}
	for !w.ended() {
		size := max(1, min(stretch, t.Rate/8)) // which takes at most a second
		if c.tries > careful {
			size = 1
		}
		list, err := w.next(ctx, pubs, size)
		if err != nil {
			return tried, err
		}
		if len(list) == 0 && w.ended() {
			return tried, nil
		}
		last := pubs[len(pubs)-1].n
		if len(list) == 0 { // those that it went past were not subscribed
			c.pass(w.at, last)
		}
		if !t.Now().Before(until) {
			return tried, errTime
		}
		if len(list) == 0 {
			continue
		}
		if err := t.load(ctx, d); err != nil {
			return tried, err
		}
		if c.tries > attempts {
			if err := t.giveUp(ctx, d, list[0].pipeid); err != nil {
				return tried, err
			}
			list, err = list[:1], nil
		} else {
			tried = true
			list, err = t.deliver(ctx, d, list, had)
		}
		if len(list) > 0 {
			c.pass(list[len(list)-1].at, last)
		}
		if err != nil {
			return tried, err
		}
		if kept {
			if err := t.keep(ctx, p.row, c); err != nil || c.n > p.n {
				return tried, err
			}
		}
	}
	return tried, nil
}

// pass moves the cursor behind a place: the publications up to last are with the pipes before it.
func (c *cursor) pass(at string, last int64) { c.at, c.last, c.tries = at, last, 1 }

// deliver gives publications to some pipes at the same time, once to each. It returns those before the first that failed.
func (t *Topics) deliver(ctx context.Context, d *delivery, list []target, had map[string]bool) ([]target, error) {
	errs := make([]error, len(list))
	var g errgroup.Group
	g.SetLimit(pipesAtOnce)
	for n, to := range list {
		if had[to.pipeid] {
			continue
		}
		had[to.pipeid] = true
		g.Go(func() error {
			errs[n] = chores.Caught(func() error { return t.give(ctx, d, to) })
			return nil
		})
	}
	_ = g.Wait() // each error is in errs
	failed := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if failed < 0 {
		return list, nil
	}
	return list[:failed], fmt.Errorf("pipe %s: %w", list[failed].pipeid, errs[failed])
}

// give appends to a pipe the publications that were made while it was subscribed. The subscription of one that is gone is removed.
func (t *Topics) give(ctx context.Context, d *delivery, to target) error {
	at := to.spans
	if !at.all(d.pubs) {
		// The others may match another subscription of the pipe's, and must not come behind these.
		all, err := t.spansOfAll(ctx, d.patterns, to.pipeid)
		if err != nil {
			return err
		}
		at = append(all, at...)
	}
	for _, part := range d.parts(at) {
		there, err := t.Pipes.Append(ctx, to.pipeid, part)
		if call.IsRecorded(err) {
			t.Log.Log(ctx, deliver.Level(err, slog.LevelWarn), "fan-out: serve reads", "pipe", to.pipeid, "error", err) // the message is there; pipes' repair does the rest
			continue
		}
		if err != nil {
			return err
		}
		if !there {
			return t.remove(ctx, to.topic, to.pipeid)
		}
	}
	return nil
}
