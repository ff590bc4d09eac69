package task

import (
	"context"
	"sync"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/store"
)

// The directory has a row per path that was ever met, so that task.list finds the partitions. No path begins with @, so it is a partition of
// the same table.
const directoryPart = "@paths"

// directory remembers until when the rows are known to last that this environment has put.
type directory struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// Rows are renewed when less than this is left of what was asked for, which is that much more than was needed.
const directoryMargin = time.Hour

// remember puts the path's row, to last at least as long as an item with that deadline. Most calls find that an earlier one did.
func (t *Tasks) remember(ctx context.Context, path string, deadline time.Time) error {
	t.paths.mu.Lock()
	known := !t.paths.until[path].Before(deadline)
	t.paths.mu.Unlock()
	if known {
		return nil
	}
	until := deadline.Add(directoryMargin)
	// Key: the path's row. Condition: it does not last longer already. Effect: it lasts until then (and TimeToLive's lag). A loser has what
	// it wants.
	_, err := t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: key{directoryPart, path}.item(), Update: "SET #exp = :exp",
		If: "attribute_not_exists(#exp) OR #exp < :exp", Values: store.Item{":exp": store.N(expiry(until))}})
	if _, lost := store.Lost(err); err != nil && !lost {
		return err
	}
	t.paths.mu.Lock()
	defer t.paths.mu.Unlock()
	if t.paths.until == nil || len(t.paths.until) > 10000 { // a bound on memory; forgetting costs a write
		t.paths.until = map[string]time.Time{}
	}
	if t.paths.until[path].Before(until) {
		t.paths.until[path] = until
	}
	return nil
}

// eachPartition goes through the partitions of the paths that a list holds, in the order of the paths, for as long as each wants more.
func (t *Tasks) eachPartition(ctx context.Context, l access.List, each func(part string) (more bool, err error)) error {
	q := store.Query{Table: store.Tasks, If: "#part = :part", Values: store.Item{":part": store.S(directoryPart)}}
	if l.Prefix != "" {
		q.If += " AND begins_with(#id, :path)"
		q.Values[":path"] = store.S(l.Prefix + ".")
	}
	for {
		rows, next, err := t.DB.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, row := range rows {
			path := row.Str("id")
			if !l.Match(path) {
				continue
			}
			for _, part := range t.partitions(path) {
				if more, err := each(part); err != nil || !more {
					return err
				}
			}
		}
		if q.Start = next; next == nil {
			return nil
		}
	}
}
