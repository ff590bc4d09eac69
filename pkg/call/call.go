// Package call is one request as a family's code sees it, and the rows that say what a connection waits for, works on and owns.
//
// A row is written when a call leaves something behind: a waiting pull, a pushed task, a task handed out. Nobody deletes rows; they are checked
// against the item they name, and TimeToLive takes them after three hours, one more than a connection can last. Under `y#` a row is as first
// written; under `o#` is what repair found still open. So the end of a session reads the `y#` of the last ten minutes and all of `o#`.
package call

import (
	"context"
	"encoding/json"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/deliver"
	"nexus/pkg/store"
)

// Call is one request of a client.
type Call struct {
	Connid  string
	ID      json.RawMessage // nil for a notification
	Request string          // unique to this run of a handler; how it knows its own writes
	Session Session         // read where the method's row says so
	// Oneself says that the call is allowed only as one on the session's own user: on who logged in, not on another of that name, and not while disabled.
	Oneself bool
	// Node is the stage the connection belongs to and IP the client's address, without port.
	Node deliver.Node
	IP   string
	// At is when API Gateway took the request, in whole milliseconds. Its clock is one for all calls, whereas those of two handlers may differ.
	At time.Time
}

// Nobody is the user of a session before it logs in.
const Nobody = "nobody"

// Session is what is in force for a connection.
type Session struct {
	User string
	// UID tells the user from others that had the name before, or have it since; "" for nobody.
	UID  string
	Tags access.Tags
}

// Key is where a row stands: a connection and the row's name.
type Key struct{ Connid, Row string }

// Row says that a connection has to do with an item.
type Row struct {
	Key
	Kind string          // the family whose item it is: "task", "pipe"
	Item [2]string       // the item's key
	ID   json.RawMessage // the JSON-RPC id of the call, for task.cancel by id; nil for a notification
}

const (
	fresh = "y#" // then a ulid
	open  = "o#" // then the item
	// Life is how long a row is kept: longer than a connection lasts.
	Life = 3 * time.Hour
	// Recent is how old a fresh row may be and still count: repair has put an open one long before.
	Recent = 10 * time.Minute
)

// Fresh returns the name of a new row. Unique ids are ulids: they begin with the time.
func Fresh(ulid string) string { return fresh + ulid }

// Open returns the name of the row that repair puts for an item.
func Open(item [2]string) string { return open + item[0] + "|" + item[1] }

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

// Page reads a page of the rows that count for a connection: the open ones, then the fresh ones that are recent. id, if not nil, keeps those of
// one JSON-RPC id. limit is the number of rows read, 0 for 1 MB of them. more is false at the end.
func (r *Rows) Page(ctx context.Context, connid string, id json.RawMessage, from Cursor, limit int32) (rows []Row, next Cursor, more bool, err error) {
	q := store.Query{Table: store.Calls, If: "#id = :id AND #row BETWEEN :from AND :to", Limit: limit,
		Values: store.Item{":id": store.S(connid), ":from": store.S(open), ":to": store.S(open + "\U0010FFFF")}}
	if from.Fresh {
		q.Values[":from"] = store.S(fresh + r.ULID(r.Now().Add(-Recent)))
		q.Values[":to"] = store.S(fresh + "~")
	}
	if id != nil {
		q.Filter, q.Values[":req"] = "#req = :req", store.S(string(id))
	}
	if from.Row != "" {
		q.Start = store.Item{"id": store.S(connid), "row": store.S(from.Row)}
	}
	items, last, err := r.DB.Query(ctx, q)
	if err != nil {
		return nil, Cursor{}, false, err
	}
	for _, item := range items {
		row := Row{Key: Key{item.Str("id"), item.Str("row")}, Kind: item.Str("kind"), Item: [2]string{item.Str("part"), item.Str("item")}}
		if item.Has("req") {
			row.ID = json.RawMessage(item.Str("req"))
		}
		rows = append(rows, row)
	}
	switch {
	case last != nil:
		return rows, Cursor{Fresh: from.Fresh, Row: last.Str("row")}, true, nil
	case !from.Fresh:
		return rows, Cursor{Fresh: true}, true, nil
	}
	return rows, Cursor{}, false, nil
}
