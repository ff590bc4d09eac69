package task

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/store"
	"nexus/pkg/timer"

	"golang.org/x/sync/errgroup"
)

// The directory has a row per path on which something waits or is worked on, or was until just now, so that task.list finds the partitions. No path begins
// with @, so it is a partition of the same table. A row holds until when it lasts (exp) and when somebody last relied on it (at).
//
// A call that will put an item sees to it that the row is there: it relies on one that was renewed within relied before its handler looked. Repair
// deletes the row of an empty path once nobody has renewed it for relied and RepairAge, within which a handler ends: who relied on it has put its item by
// then, where the look for items that follows sees it.
const directoryPart = "@paths"

// relied is how long after a renewal a row is sure to be there. All rows are in one partition, which takes 1,000 writes a second: so many environments can
// have so many paths in use, in products of 60,000.
const relied = time.Minute

// old reports whether a row's path, found empty from now on, may be forgotten.
func (t *Tasks) old(row pathRow) bool { return t.untilOld(row) <= 0 }

func (t *Tasks) untilOld(row pathRow) time.Duration {
	return row.at.Add(relied + t.RepairAge).Sub(t.Now())
}

// directoryMargin is how much longer a row is made to last than is needed, so that the next hour's calls need not make it last longer.
const directoryMargin = time.Hour

// pathRow is a path's row as it was read or put.
type pathRow struct {
	path string
	at   time.Time // zero in rows of releases that did not renew
	exp  int64
}

func readPathRow(i store.Item) pathRow {
	row := pathRow{path: i.Str("id"), exp: i.Int(store.AttrExpires)}
	if i.Has("at") {
		row.at = i.Time("at")
	}
	return row
}

func (r pathRow) key() key { return key{directoryPart, r.path} }

// serves reports whether a row need not be written for an item that is put now and expires then.
func (r pathRow) serves(now time.Time, exp int64) bool { return now.Sub(r.at) < relied && r.exp >= exp }

// directory remembers the rows that this environment has put or met, and for which renewal of an emptied path's row it has asked for a look.
type directory struct {
	mu    sync.Mutex
	rows  map[string]pathRow
	asked map[string]time.Time
}

// remembered is how many paths an environment remembers; forgetting costs a write each.
const remembered = 10000

func (d *directory) row(path string) pathRow {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rows[path]
}

func (d *directory) note(row pathRow) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.rows == nil || len(d.rows) > remembered {
		d.rows = map[string]pathRow{}
	}
	d.rows[row.path] = row
}

// ask reports whether this is the first time that a look is wanted for a renewal of a path's row.
func (d *directory) ask(row pathRow) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.asked == nil || len(d.asked) > remembered {
		d.asked = map[string]time.Time{}
	}
	before, ok := d.asked[row.path]
	d.asked[row.path] = row.at
	return !ok || !before.Equal(row.at)
}

// remember sees to it that the path's row is there, and lasts at least as long as an item with that deadline. Most calls find that an earlier one did.
func (t *Tasks) remember(ctx context.Context, path string, deadline time.Time) error {
	now, need := t.Now(), expiry(deadline)
	row := t.paths.row(path)
	row.path = path
	known := row.exp >= need
	for range 4 { // each time it may have gone meanwhile, or been made to last longer
		if row.serves(now, need) {
			t.paths.note(row)
			return nil
		}
		// Key: the path's row. Condition: it lasts long enough. Effect: it counts as relied on now. A loser finds it gone, or too short.
		w := store.Write{Table: store.Tasks, Key: row.key().item(), Update: "SET #at = :now", If: "#exp >= :exp",
			Values: store.Item{":now": store.Millis(now), ":exp": store.N(need)}}
		row.at = now
		if row.exp < need {
			// The same, where it is not known to last so long. Condition: it does not, or there is none. Effect: besides, it lasts until then (and
			// TimeToLive's lag). A loser finds that it does.
			row.exp = expiry(deadline.Add(directoryMargin))
			w.Update, w.If, w.Values[":exp"] = "SET #at = :now, #exp = :exp", "attribute_not_exists(#exp) OR #exp < :exp", store.N(row.exp)
		}
		_, err := t.DB.Do(ctx, w)
		old, lost := store.Lost(err)
		switch {
		case err == nil:
			t.paths.note(row)
			return nil
		case !lost && known:
			// The row was there a while ago, and most likely is. That it is not renewed is no reason to refuse a call: others may keep the partition busy.
			t.Log.Warn("renew a path's row", "error", err)
			return nil
		case !lost:
			return err
		}
		row = readPathRow(old)
		row.path = path
	}
	return errors.New("the directory's row of a path did not hold still")
}

// atOnce is how many paths are looked at side by side.
const atOnce = 32

// Removed is told by the table's stream of items that are gone. Their paths may be empty. It is housekeeping: what fails is for the log, and for a listing.
func (t *Tasks) Removed(ctx context.Context, keys [][2]string) {
	var paths []string
	for _, k := range keys {
		if path := key(k).path(); path[0] != '@' {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	if err := t.emptied(ctx, slices.Compact(paths), false); err != nil {
		t.Log.Warn("forget empty paths", "error", err)
	}
}

// emptied sees to the rows of paths of which items are gone: those of empty paths go. A row that was renewed too lately for that is looked at again when
// it is old enough, by a message; asked for such a look, a row that was renewed since is left: the item that it was renewed for will go, too.
func (t *Tasks) emptied(ctx context.Context, paths []string, asked bool) error {
	keys := make([]store.Key, len(paths))
	for n, path := range paths {
		keys[n] = store.Key{Table: store.Tasks, Key: key{directoryPart, path}.item()}
	}
	found, err := t.DB.GetAll(ctx, keys, "")
	if err != nil {
		return err
	}
	var old []pathRow
	var later []timer.Later
	for _, f := range found {
		row := readPathRow(f.Item)
		switch left := t.untilOld(row); {
		case left <= 0:
			old = append(old, row)
		case !asked && t.paths.ask(row):
			later = append(later, timer.Later{After: left, Wake: timer.Wake{Kind: WakePath, Key: []string{row.path}}})
		}
	}
	err = t.Timer.All(ctx, later...)
	return errors.Join(err, t.forgetEmpty(ctx, old))
}

// forgetEmpty deletes those rows whose paths are empty. They were read, and old enough.
func (t *Tasks) forgetEmpty(ctx context.Context, rows []pathRow) error {
	var g errgroup.Group
	g.SetLimit(atOnce)
	for _, row := range rows {
		g.Go(func() error {
			for _, part := range t.partitions(row.path) {
				items, _, err := t.DB.Query(ctx, store.Query{Table: store.Tasks, If: "#part = :part", Projection: "#id", Limit: 1,
					Values: store.Item{":part": store.S(part)}})
				if err != nil || len(items) > 0 {
					return err
				}
			}
			return t.forget(ctx, row)
		})
	}
	return g.Wait()
}

// forget deletes the row of a path that was found empty after the row was read, and was old enough then.
func (t *Tasks) forget(ctx context.Context, row pathRow) error {
	// Key: the path's row. Condition: nobody has renewed it since it was read. Effect: it is gone. A loser finds it renewed, for an item that is
	// about to be put, or gone.
	w := store.Write{Table: store.Tasks, Key: row.key().item(), If: "#at = :at", Values: store.Item{":at": store.Millis(row.at)}}
	if row.at.IsZero() {
		w.If, w.Values = "attribute_exists(#id) AND attribute_not_exists(#at)", nil
	}
	_, err := t.DB.Do(ctx, w)
	if _, lost := store.Lost(err); lost {
		return nil
	}
	return err
}

// listedPaths returns the rows of the paths that a list holds, in their order.
func (t *Tasks) listedPaths(ctx context.Context, l access.List) (rows []pathRow, err error) {
	q := store.Query{Table: store.Tasks, If: "#part = :part", Values: store.Item{":part": store.S(directoryPart)}}
	if l.Prefix != "" {
		q.If += " AND begins_with(#id, :path)"
		q.Values[":path"] = store.S(l.Prefix + ".")
	}
	for {
		items, next, err := t.DB.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, i := range items {
			if row := readPathRow(i); l.Match(row.path) {
				rows = append(rows, row)
			}
		}
		if q.Start = next; next == nil {
			return rows, nil
		}
	}
}

// tidied is how many rows of empty paths a listing takes with it: those that repair missed, or that a release without it left.
const tidied = 64

// tidy deletes the rows of paths that a listing found empty, if they are old enough. It is housekeeping: an error is for the log.
func (t *Tasks) tidy(ctx context.Context, rows []pathRow, empty func(n int) bool) {
	var old []pathRow
	for n, row := range rows {
		if len(old) < tidied && empty(n) && t.old(row) {
			old = append(old, row)
		}
	}
	if err := t.forgetEmpty(ctx, old); err != nil {
		t.Log.Warn("forget empty paths", "error", err)
	}
}
