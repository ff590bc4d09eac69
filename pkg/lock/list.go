package lock

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// List carries out sync.list: the locks that live sessions hold, by name. It reads the whole table, for no index is kept on the way of a lock,
// and asks API Gateway for nobody's connection.
func (l *Locks) List(ctx context.Context, _ *call.Call, p access.List) (jsonrpc.Outcome, error) {
	all, err := l.owned(ctx, p)
	if err != nil {
		return "", err
	}
	most := len(all)
	if p.Limit > 0 {
		most = min(p.Skip+p.Limit, most)
	}
	held, err := l.live(ctx, all, most)
	if err != nil {
		return "", err
	}
	out := call.NewListing(p)
	from, to := p.Page(len(held))
	for _, o := range held[from:to] {
		var row jsonrpc.Object
		if full, err := out.Add(row.String("id", o.lock).String("owner", o.owner).JSON()); err != nil {
			return "", err
		} else if full {
			break
		}
	}
	return out.Outcome(), nil
}

// Count carries out sync.count: how many locks live sessions hold.
func (l *Locks) Count(ctx context.Context, _ *call.Call, p access.Count) (jsonrpc.Outcome, error) {
	all, err := l.owned(ctx, p.List)
	if err != nil {
		return "", err
	}
	held, err := l.live(ctx, all, len(all))
	if err != nil {
		return "", err
	}
	tally := call.NewTally(p)
	for _, o := range held {
		tally.Add(o.lock, 1)
	}
	return tally.Outcome()
}

// owned is a lock that a session holds, or held until it was gone.
type owned struct{ lock, owner string }

// owned returns those of the locks that a list selects, by name. It sees what was written a moment ago, or not yet.
func (l *Locks) owned(ctx context.Context, p access.List) ([]owned, error) {
	q := store.Query{Table: store.Locks, Filter: "attribute_exists(#owner)", Projection: "#lock, #owner"}
	if p.Prefix != "" {
		q.Filter += " AND begins_with(#lock, :prefix)"
		q.Values = store.Item{":prefix": store.S(p.Prefix)}
	}
	var all []owned
	for {
		items, next, err := l.DB.Scan(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, i := range items {
			if name := i.Str("lock"); p.Match(name) {
				all = append(all, owned{name, i.Str("owner")})
			}
		}
		if q.Start = next; next == nil {
			slices.SortFunc(all, func(a, b owned) int { return cmp.Compare(a.lock, b.lock) })
			return all, nil
		}
	}
}

// The sessions of so many locks are read at once, at most.
const sessionsAtOnce = 1000

// live returns the first so many of some locks whose holder's session is live.
func (l *Locks) live(ctx context.Context, all []owned, most int) ([]owned, error) {
	var held []owned
	known := map[string]bool{}
	for len(all) > 0 && len(held) < most {
		n := min(len(all), most-len(held), sessionsAtOnce)
		var unknown []string
		for _, o := range all[:n] {
			if _, ok := known[o.owner]; !ok {
				unknown = append(unknown, o.owner)
			}
		}
		live, err := l.Sessions.Live(ctx, unknown...)
		if err != nil {
			return nil, err
		}
		maps.Copy(known, live)
		for _, o := range all[:n] {
			if known[o.owner] {
				held = append(held, o)
			}
		}
		all = all[n:]
	}
	return held, nil
}
