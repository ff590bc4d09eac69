package task

import (
	"context"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"

	"golang.org/x/sync/errgroup"
)

// Count carries out task.count, of what task.list lists: pullCount are the pulls that wait, pushCount the tasks that wait or are worked on, count
// is both.
func (t *Tasks) Count(ctx context.Context, _ *call.Call, p access.Count) (jsonrpc.Outcome, error) {
	rows, err := t.listedPaths(ctx, p.List)
	if err != nil {
		return "", err
	}
	var parts []string
	for _, row := range rows {
		parts = append(parts, t.partitions(row.path)...)
	}
	pulls, pushes := make([]int64, len(parts)), make([]int64, len(parts))
	var g errgroup.Group
	g.SetLimit(atOnce)
	for n, part := range parts {
		g.Go(func() (err error) {
			pulls[n], pushes[n], err = t.count(ctx, part)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return "", err
	}
	tally := call.NewTally(p, "pullCount", "pushCount")
	for n, part := range parts {
		tally.Add(key{part}.path(), pulls[n]+pushes[n], pulls[n], pushes[n])
	}
	return tally.Outcome()
}

// count counts what is open in a partition.
func (t *Tasks) count(ctx context.Context, part string) (pulls, pushes int64, err error) {
	q := store.Query{Table: store.Tasks, If: "#part = :part", Filter: "#state IN (:waiting, :working) AND #dl > :now", Projection: "#kind",
		Values: store.Item{":part": store.S(part), ":waiting": store.S(waiting), ":working": store.S(working), ":now": store.Millis(t.Now())}}
	for {
		items, next, err := t.DB.Query(ctx, q)
		if err != nil {
			return 0, 0, err
		}
		for _, i := range items {
			if i.Str("kind") == kindPull {
				pulls++
			} else {
				pushes++
			}
		}
		if q.Start = next; next == nil {
			return pulls, pushes, nil
		}
	}
}
