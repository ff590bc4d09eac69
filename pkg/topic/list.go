package topic

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// List carries out topic.list: what is subscribed to, by name, and by how many pipes. It reads the whole table, for no index and no counter is kept
// on the way of a subscription.
func (t *Topics) List(ctx context.Context, _ *call.Call, l access.List) (jsonrpc.Outcome, error) {
	all, err := t.listed(ctx, l)
	if err != nil {
		return "", err
	}
	out := call.NewListing(l)
	from, to := l.Page(len(all))
	for _, s := range all[from:to] {
		var row jsonrpc.Object
		if full, err := out.Add(row.String("topic", s.topic).Int("subscribers", s.subscribers).JSON()); err != nil {
			return "", err
		} else if full {
			break
		}
	}
	return out.Outcome(), nil
}

// Count carries out topic.count: how many subscriptions there are, of which a topic may have several.
func (t *Topics) Count(ctx context.Context, _ *call.Call, p access.Count) (jsonrpc.Outcome, error) {
	all, err := t.listed(ctx, p.List)
	if err != nil {
		return "", err
	}
	tally := call.NewTally(p)
	for _, s := range all {
		tally.Add(s.topic, s.subscribers)
	}
	return tally.Outcome()
}

// listed is a topic, or a wildcard, that is subscribed to.
type listed struct {
	topic       string
	subscribers int64
}

// listed returns what a list selects, by name. It sees what was written a moment ago, or not yet.
func (t *Topics) listed(ctx context.Context, l access.List) ([]listed, error) {
	q := store.Query{Table: store.Topics, Filter: "begins_with(#part, :prefix) AND #exp > :now AND attribute_not_exists(#until)", Projection: "#part",
		Values: store.Item{":prefix": store.S(partSubscribers + l.Prefix), ":now": store.N(t.Now().Unix())}}
	pipes := map[string]int64{}
	for {
		items, next, err := t.DB.Scan(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, i := range items {
			if topic := strings.TrimPrefix(i.Str("part"), partSubscribers); l.Match(topic) {
				pipes[topic]++
			}
		}
		if q.Start = next; next == nil {
			break
		}
	}
	all := make([]listed, 0, len(pipes))
	for topic, n := range pipes {
		all = append(all, listed{topic, n})
	}
	slices.SortFunc(all, func(a, b listed) int { return cmp.Compare(a.topic, b.topic) })
	return all, nil
}
