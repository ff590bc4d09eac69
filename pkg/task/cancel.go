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

// openCalls returns the pushes and pulls of a connection that wait for an answer under a JSON-RPC id. Repair that is late is waited for by nobody: what it
// has not come to is found by a wider look, which only a caller needs whose id is not found else.
func (t *Tasks) openCalls(ctx context.Context, connid string, id json.RawMessage) (mine []*item, err error) {
	for _, look := range []func(context.Context, string, json.RawMessage) ([]call.Row, error){t.Rows.Find, t.Rows.FindLate} {
		rows, err := look(ctx, connid, id)
		if err != nil {
			return nil, err
		}
		var keys []key
		for _, row := range rows {
			if row.Kind == Kind {
				keys = append(keys, row.Item)
			}
		}
		found, err := t.read(ctx, keys)
		if err != nil {
			return nil, err
		}
		for _, e := range found {
			owner, ownID := e.answers()
			if e.open() && owner == connid && string(ownID) == string(id) && e.deadline.After(t.Now()) && !e.internal() {
				mine = append(mine, e)
			}
		}
		if len(mine) > 0 {
			break
		}
	}
	return mine, nil
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
