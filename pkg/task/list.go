package task

import (
	"bytes"
	"context"
	"encoding/json"
	"time"
	"unicode/utf8"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"

	"golang.org/x/sync/errgroup"
)

// cutStrings is how long a string inside listed params may be, in bytes.
const cutStrings = 10 << 10

// most is how many items a listing reads of a partition at first: more rows than that, of the least that a row has, do not fit a message.
const most = 500

// List carries out task.list: the tasks that wait or are worked on and the pulls that wait, by path and then in the order in which they came. It reads
// partitions side by side: a few, and if those did not fill the listing twice as many.
func (t *Tasks) List(ctx context.Context, _ *call.Call, l access.List) (jsonrpc.Outcome, error) {
	rows, err := t.listedPaths(ctx, l)
	if err != nil {
		return "", err
	}
	lister := &listing{tasks: t, list: l, out: call.NewListing(l), now: t.Now(), empty: make([]bool, len(rows))}
	for from, n := 0, 4; from < len(rows); n = min(2*n, atOnce) {
		to := min(from+n, len(rows))
		if full, err := lister.paths(ctx, rows[from:to], from); err != nil || full {
			return lister.out.Outcome(), err
		}
		from = to
	}
	t.tidy(ctx, rows, func(n int) bool { return lister.empty[n] })
	return lister.out.Outcome(), nil
}

// listing gathers what task.list answers.
type listing struct {
	tasks *Tasks
	list  access.List
	now   time.Time
	seen  int
	out   *call.Listing
	empty []bool // by path: there is nothing
}

// paths adds the items of some paths, the first of which is the given one of all; full tells that no more are wanted.
func (l *listing) paths(ctx context.Context, rows []pathRow, first int) (full bool, err error) {
	limit := most
	if l.list.Limit > 0 {
		limit = min(limit, l.list.Limit+max(l.list.Skip-l.seen, 0)-l.out.Len())
	}
	var pages []*partition
	var paths []int
	for n, row := range rows {
		for _, part := range l.tasks.partitions(row.path) {
			pages = append(pages, l.partition(part, int32(limit)))
			paths = append(paths, first+n)
		}
		l.empty[first+n] = true
	}
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, p := range pages {
		g.Go(func() error { return p.read(ctx) })
	}
	if err := g.Wait(); err != nil {
		return false, err
	}
	for n, p := range pages {
		if len(p.items) > 0 || p.more {
			l.empty[paths[n]] = false
		}
		if full, err := l.add(ctx, p); err != nil || full {
			return full, err
		}
	}
	return false, nil
}

// partition is a page of what is listed of a partition.
type partition struct {
	db    *store.DB
	query store.Query
	items []store.Item
	more  bool
}

func (l *listing) partition(part string, limit int32) *partition {
	return &partition{db: l.tasks.DB, query: store.Query{Table: store.Tasks, If: "#part = :part", Filter: "#state IN (:waiting, :working) AND #dl > :now", Limit: limit,
		Values: store.Item{":part": store.S(part), ":waiting": store.S(waiting), ":working": store.S(working), ":now": store.Millis(l.now)}}}
}

// read reads the next page.
func (p *partition) read(ctx context.Context) (err error) {
	p.items, p.query.Start, err = p.db.Query(ctx, p.query)
	p.more = p.query.Start != nil
	p.query.Limit = 0 // much of what was read may not be listed
	return err
}

// add adds a partition's items; full tells that no more are wanted.
func (l *listing) add(ctx context.Context, p *partition) (full bool, err error) {
	for {
		for _, i := range p.items {
			if l.seen++; l.seen <= l.list.Skip {
				continue
			}
			e := decode(i)
			params, tags, err := l.tasks.bodyOf(ctx, e)
			if err != nil {
				return false, err
			}
			if full, err := l.out.Add(e.listed(params, tags)); err != nil || full {
				return full, err
			}
			if l.list.Limit > 0 && l.out.Len() == l.list.Limit {
				return true, nil
			}
		}
		if !p.more {
			return false, nil
		}
		if err := p.read(ctx); err != nil {
			return false, err
		}
	}
}

// listed is a task, or a pull that waits, as task.list shows it.
func (e *item) listed(params, tags json.RawMessage) json.RawMessage {
	if e.internal() {
		params = nil // a password may be in them
	}
	var o jsonrpc.Object
	o.String("id", e.shownID()).String("state", e.state).String("path", e.path()).String("method", e.method).
		Raw("params", cutLongStrings(params)).Int("prio", e.prio).Int("priority", e.prio).Int("ttl", e.ttl).
		Bool("detached", e.detached).Bool("detach", e.detached).String("user", e.user).
		String("session", e.pusher).String("targetSession", e.worker).
		Raw("result", nil).Raw("errCode", nil).String("errString", "").Raw("errObject", nil).Raw("tags", tags).
		Time("creationTime", e.created).Time("workingTime", e.worked).Time("deadline", e.deadline).Time("deadLine", e.deadline)
	return o.JSON()
}

// cutLongStrings cuts the strings inside a JSON value that are over cutStrings bytes, and leaves all other bytes alone.
func cutLongStrings(value json.RawMessage) json.RawMessage {
	if len(value) <= cutStrings {
		return value
	}
	var out []byte
	rest := []byte(value)
	for {
		start := bytes.IndexByte(rest, '"')
		if start < 0 {
			return append(out, rest...)
		}
		out, rest = append(out, rest[:start]...), rest[start:]
		end := 1
		for rest[end] != '"' {
			if rest[end] == '\\' {
				end++
			}
			end++
		}
		literal := rest[:end+1]
		rest = rest[end+1:]
		if len(literal) > cutStrings {
			var s string
			if json.Unmarshal(literal, &s) == nil && len(s) > cutStrings {
				cut := cutStrings
				for !utf8.RuneStart(s[cut]) {
					cut--
				}
				literal = jsonrpc.AppendString(nil, s[:cut])
			}
		}
		out = append(out, literal...)
	}
}
