package call

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"nexus/pkg/store"

	"golang.org/x/sync/errgroup"
)

// Key is where a row stands: a connection and the row's name.
type Key struct{ Connid, Row string }

// Row says that a connection has to do with an item.
type Row struct {
	Key
	Kind string          // the family whose item it is: "task", "pipe"
	Item [2]string       // the item's key
	ID   json.RawMessage // the JSON-RPC id of the call, for task.cancel by id; nil for a notification
}

// How rows are named, so that an end reads little of what a connection has had to do with, and task.cancel by id next to nothing:
//
//	y!<bucket><hash>#<ulid>   as first written: the time, by buckets, and the JSON-RPC id, by a hash
//	o$<hash>$<item>           what repair found still open
//
// The end of a session reads the fresh rows of Recent and all open ones. An item whose row is older has its open row, put by repair, or repair has not come
// to it yet, and finds the session ended when it does.
//
// Releases before named rows y#<ulid> and o#<item>. Such rows are read with the others: they stand in the same ranges.
const (
	fresh, freshBefore, freshEnd = "y!", "y#", "y~"
	open, openBefore, openEnd    = "o$", "o#", "o~"

	// Life is how long a row is kept: longer than a connection lasts.
	Life = 3 * time.Hour
	// Recent is how old a fresh row may be and still count: twice what repair needs, which is told of a change within 30 s and acts on it 30 s later.
	Recent = 2 * time.Minute
	// Late is how old a fresh row may be to be found by its id, which a caller waits for: as much as repair is behind on a bad day.
	Late = 10 * time.Minute
	// bucketBits make a bucket of 65.536 s.
	bucketBits = 16
	// ahead is how much another environment's clock may be.
	ahead = time.Second
)

// Fresh returns the name of a new row of a call that has a JSON-RPC id, nil if it has none.
func Fresh(now time.Time, ulid string, id json.RawMessage) string {
	return fresh + bucketName(bucket(now)) + hashOf(id) + "#" + ulid
}

// Open returns the name of the row that repair puts for an item, under a JSON-RPC id that waits for it, nil if none does.
func Open(item [2]string, id json.RawMessage) string {
	return open + hashOf(id) + "$" + item[0] + "|" + item[1]
}

func bucket(at time.Time) int64 { return at.UnixMilli() >> bucketBits }

func bucketName(n int64) string { return fmt.Sprintf("%08x", n) }

func hashOf(id json.RawMessage) string {
	h := fnv.New32a()
	h.Write(id) // it never fails
	return fmt.Sprintf("%08x", h.Sum32())
}

// Rows is the table of rows.
type Rows struct {
	DB  *store.DB
	Now func() time.Time
	// ULID returns the first ulid of a time.
	ULID func(time.Time) string
}

// Put writes a row, over itself if it is there.
func (r *Rows) Put(ctx context.Context, row Row) error {
	item := store.Item{"id": store.S(row.Connid), "row": store.S(row.Row), "kind": store.S(row.Kind), "part": store.S(row.Item[0]),
		"item": store.S(row.Item[1]), store.AttrExpires: store.N(r.Now().Add(Life).Unix())}
	if row.ID != nil {
		item["req"] = store.S(string(row.ID))
	}
	// Key: the row. No condition: the row's content is given by its name. A repeated put changes nothing.
	_, err := r.DB.Do(ctx, store.Write{Table: store.Calls, Item: item})
	return err
}

// Exist tells which of some rows are there. Equal keys and empty ones (which are not there) may be among them.
func (r *Rows) Exist(ctx context.Context, keys ...Key) (map[Key]bool, error) {
	there := make(map[Key]bool, len(keys))
	var ask []store.Key
	for _, k := range keys {
		if _, asked := there[k]; asked || k.Row == "" {
			continue
		}
		there[k] = false
		ask = append(ask, store.Key{Table: store.Calls, Key: store.Item{"id": store.S(k.Connid), "row": store.S(k.Row)}})
	}
	if len(ask) == 0 {
		return there, nil
	}
	found, err := r.DB.GetAll(ctx, ask, "#id, #row")
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		there[Key{f.Item.Str("id"), f.Item.Str("row")}] = true
	}
	return there, nil
}

// Cursor is where a reading of a connection's rows goes on; the zero value is the beginning.
type Cursor struct {
	Fresh bool   // the open rows are done
	Row   string // the last row read
}

// Page reads a page of the rows that count for a connection: the open ones, then the fresh ones that are recent. limit is the number of rows read, 0 for 1 MB
// of them. more is false at the end.
func (r *Rows) Page(ctx context.Context, connid string, from Cursor, limit int32) (rows []Row, next Cursor, more bool, err error) {
	first, last := openBefore, openEnd
	if from.Fresh {
		first, last = fresh+bucketName(bucket(r.Now().Add(-Recent))), freshEnd
	}
	if from.Row != "" {
		first = min(first, from.Row) // which a slow reader may have left behind
	}
	q := between(connid, first, last)
	q.Limit = limit
	if from.Row != "" {
		q.Start = store.Item{"id": store.S(connid), "row": store.S(from.Row)}
	}
	items, end, err := r.DB.Query(ctx, q)
	if err != nil {
		return nil, Cursor{}, false, err
	}
	rows = read(items)
	switch {
	case end != nil:
		return rows, Cursor{Fresh: from.Fresh, Row: end.Str("row")}, true, nil
	case !from.Fresh:
		return rows, Cursor{Fresh: true}, true, nil
	}
	return rows, Cursor{}, false, nil
}

// Find returns the rows of a connection's calls under a JSON-RPC id: those that are open, and the fresh ones of Recent.
func (r *Rows) Find(ctx context.Context, connid string, id json.RawMessage) ([]Row, error) {
	now := r.Now()
	return r.find(ctx, id, append(named(connid, id, now.Add(-Recent), now.Add(ahead)), between(connid, open+hashOf(id)+"$", open+hashOf(id)+"~"))...)
}

// FindLate returns the rows that Find leaves out, for which repair is late, or which a release before named.
func (r *Rows) FindLate(ctx context.Context, connid string, id json.RawMessage) ([]Row, error) {
	now := r.Now()
	before := now.Add(-Recent - time.Millisecond<<bucketBits)
	return r.find(ctx, id, append(named(connid, id, now.Add(-Late), before), between(connid, openBefore, openBefore+"\U0010FFFF"),
		between(connid, freshBefore+r.ULID(now.Add(-Late)), freshBefore+"~"))...)
}

// named returns the queries for the fresh rows of an id in the buckets from one time to another.
func named(connid string, id json.RawMessage, from, to time.Time) (queries []store.Query) {
	for n := bucket(from); n <= bucket(to); n++ {
		name := fresh + bucketName(n) + hashOf(id)
		queries = append(queries, between(connid, name+"#", name+"~"))
	}
	return queries
}

// find returns the rows of an id that some queries meet, which are made side by side.
func (r *Rows) find(ctx context.Context, id json.RawMessage, queries ...store.Query) ([]Row, error) {
	found := make([][]Row, len(queries))
	var g errgroup.Group
	for n, q := range queries {
		g.Go(func() error {
			q.Filter, q.Values[":req"] = "#req = :req", store.S(string(id)) // others may have its hash
			for {
				items, next, err := r.DB.Query(ctx, q)
				if err != nil {
					return err
				}
				found[n] = append(found[n], read(items)...)
				if q.Start = next; next == nil {
					return nil
				}
			}
		})
	}
	err := g.Wait()
	return slices.Concat(found...), err
}

func between(connid, first, last string) store.Query {
	return store.Query{Table: store.Calls, If: "#id = :id AND #row BETWEEN :from AND :to",
		Values: store.Item{":id": store.S(connid), ":from": store.S(first), ":to": store.S(last)}}
}

func read(items []store.Item) []Row {
	rows := make([]Row, len(items))
	for n, i := range items {
		rows[n] = Row{Key: Key{i.Str("id"), i.Str("row")}, Kind: i.Str("kind"), Item: [2]string{i.Str("part"), i.Str("item")}}
		if i.Has("req") {
			rows[n].ID = json.RawMessage(i.Str("req"))
		}
	}
	return rows
}
