package task

import (
	"context"
	"encoding/json"
	"errors"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Cancel is what task.cancel takes: a task, or the JSON-RPC id of the caller's own open pushes and pulls.
type Cancel struct {
	Taskid string
	ID     json.RawMessage
}

// ReadCancel reads task.cancel's params. taskid wins if both are given.
func ReadCancel(p *jsonrpc.Params) Cancel {
	if id, ok := p.Raw("id"); ok && !p.Has("taskid") {
		if len(id) > jsonrpc.MaxID || string(id) == "null" {
			p.Fail("id", "")
		}
		return Cancel{ID: id}
	}
	return Cancel{Taskid: p.String("taskid")}
}

// Cancel carries out task.cancel.
func (t *Tasks) Cancel(ctx context.Context, c *call.Call, p Cancel) (jsonrpc.Outcome, error) {
	cancelled := jsonrpc.Failure(jsonrpc.Err(jsonrpc.Cancel, ""))
	if p.ID == nil {
		return "", t.finishFor(ctx, c, p.Taskid, actionCancel, cancelled)
	}
	mine, err := t.openCalls(ctx, c.Connid, p.ID)
	if err != nil {
		return "", err
	}
	var failed []error
	won := false
	for _, e := range mine {
		over := end{outcome: cancelled, request: c.Request, actions: []string{actionCancel}}
		if !won {
			over.by = c // the first that it ends answers this call: whatever becomes of the others, it is recorded there
		}
		if e.kind == kindPull {
			t.noteServed(ctx, e.path())
			over.only, over.values = "#kind = :pull AND #wc = :me AND #dl > :now", store.Item{":pull": store.S(kindPull), ":me": store.S(c.Connid)}
		} else {
			over.only, over.values = "#kind = :task AND #pc = :me AND #dl > :now", store.Item{":task": store.S(kindTask), ":me": store.S(c.Connid)}
		}
		lost, _, err := t.finish(ctx, e.key, over)
		if err != nil {
			failed = append(failed, err)
		}
		won = won || call.IsRecorded(err) || (err == nil && !lost)
	}
	switch err := errors.Join(failed...); {
	case won:
		return "", call.Recorded(err)
	case err != nil:
		return "", err
	}
	return "", jsonrpc.Err(jsonrpc.InvalidTask, "no open call has this id")
}

// openCalls returns the pushes and pulls of a connection that wait for an answer under a JSON-RPC id.
func (t *Tasks) openCalls(ctx context.Context, connid string, id json.RawMessage) ([]*item, error) {
	// The two kinds of rows side by side: the caller waits for its answer.
	var open, fresh []key
	err := errors.Join(together(
		func() (err error) { open, err = t.rowsOf(ctx, connid, id, call.Cursor{}); return err },
		func() (err error) { fresh, err = t.rowsOf(ctx, connid, id, call.Cursor{Fresh: true}); return err })...)
	if err != nil {
		return nil, err
	}
	keys := append(open, fresh...)
	found, err := t.read(ctx, keys)
	if err != nil {
		return nil, err
	}
	var mine []*item
	for _, e := range found {
		owner, ownID := e.answers()
		if e.open() && owner == connid && string(ownID) == string(id) && e.deadline.After(t.Now()) && !e.internal() {
			mine = append(mine, e)
		}
	}
	return mine, nil
}

// rowsOf returns the items that a connection's rows under a JSON-RPC id name: the open rows, or, from a cursor that says so, the fresh ones.
func (t *Tasks) rowsOf(ctx context.Context, connid string, id json.RawMessage, from call.Cursor) (keys []key, err error) {
	kind, more := from.Fresh, true
	for more && from.Fresh == kind {
		var rows []call.Row
		if rows, from, more, err = t.Rows.Page(ctx, connid, id, from, 0); err != nil {
			return nil, err
		}
		for _, row := range rows {
			if row.Kind == Kind {
				keys = append(keys, row.Item)
			}
		}
	}
	return keys, nil
}

// read returns the items of some keys that exist, each once, in the order of their keys.
func (t *Tasks) read(ctx context.Context, keys []key) ([]*item, error) {
	ask := make([]store.Key, 0, len(keys))
	asked := make(map[key]bool, len(keys))
	for _, k := range keys {
		if !asked[k] {
			asked[k] = true
			ask = append(ask, store.Key{Table: store.Tasks, Key: k.item()})
		}
	}
	found, err := t.DB.GetAll(ctx, ask, "")
	items := make([]*item, len(found))
	for n, f := range found {
		items[n] = decode(f.Item)
	}
	sortItems(items)
	return items, err
}

var errNoTimer = errors.New("a timer names no item of this family")
