package pipe

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"nexus/pkg/call"
	"nexus/pkg/chores"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Create is what pipe.create takes.
type Create struct{ Len int64 }

// ReadCreate reads pipe.create's params.
func ReadCreate(p *jsonrpc.Params) Create {
	n := min(p.OptBound("len", DefaultLen), MaxLen)
	if n < 1 {
		n = DefaultLen
	}
	return Create{Len: n}
}

// oldest is how many pipes of a session that has too many are looked at: those that it has had for longest.
const oldest = 25

// mayCreate tells why a session may not create another pipe: it has as many as it may. Its rows are counted, which are as many as its pipes, as long as
// each handler that closes one lives to take its row away; who meets the limit does so for those that did not. Handlers that count at the same time may
// let through one each.
func (p *Pipes) mayCreate(ctx context.Context, connid string) error {
	had, err := p.Rows.Opened(ctx, connid, Kind, p.Limits.Pipes)
	if err != nil || len(had) < p.Limits.Pipes {
		return err
	}
	// Not those whose handlers may still be at it: a row comes before its pipe.
	before := p.Rows.ULID(p.Now().Add(-RepairAge))
	some := slices.DeleteFunc(slices.Clone(had[:min(len(had), oldest)]), func(row call.Row) bool { return row.Item[0] >= before })
	over := make([]bool, len(some))
	err = chores.Join(p.Chores.Each(ctx, len(some), func(ctx context.Context, n int) error {
		m, err := p.get(ctx, some[n].Item[0])
		if over[n] = err == nil && !m.open(); over[n] {
			err = p.forget(ctx, some[n])
		}
		return err
	}))
	if err != nil || slices.Contains(over, true) {
		return err
	}
	return jsonrpc.Err(jsonrpc.LimitExceeded, fmt.Sprintf("the session has %d pipes", p.Limits.Pipes))
}

// Create carries out pipe.create. The row by which the end of the session finds the pipe comes first: a row without a pipe harms nobody. It is one
// of those that count as long as the session lasts, since so does the pipe, unless it is closed.
//
// An attempt to put a pipe that got no response may come when the pipe has been closed and is gone, and would open it again. So the next one is for
// another pipe: of the first nobody ever knows the id, and if it is there it goes with its session.
func (p *Pipes) Create(ctx context.Context, c *call.Call, in Create) (jsonrpc.Outcome, error) {
	if err := p.mayCreate(ctx, c.Connid); err != nil {
		return "", err
	}
	var failed []error
	for range attempts {
		pipeid := p.NewID()
		err := p.Rows.Put(ctx, rowOf(c.Connid, pipeid))
		if err != nil {
			return "", errors.Join(append(failed, err)...)
		}
		if err = p.open(ctx, pipeid, c.Connid, in.Len); err == nil {
			var o jsonrpc.Object
			return jsonrpc.Success(o.String("pipeid", pipeid).JSON()), nil
		}
		if failed = append(failed, err); store.Refused(err) || ctx.Err() != nil {
			break
		}
	}
	return "", errors.Join(failed...)
}

// rowOf is the row by which the end of a session finds a pipe.
func rowOf(connid, pipeid string) call.Row {
	item := [2]string{pipeid, metaRow}
	return call.Row{Key: call.Key{Connid: connid, Row: call.Open(item, nil)}, Kind: Kind, Item: item}
}

// open puts a new pipe, with one attempt.
func (p *Pipes) open(ctx context.Context, pipeid, owner string, length int64) error {
	zero, none := store.N(0), store.M(store.Item{})
	// Key: the new pipe. Condition: there is nothing yet. Effect: it is open and empty; each map that an entry is ever written to is there,
	// since an update cannot make a map and an entry of it. There is no loser: nobody else has the id.
	_, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Once: true, If: "attribute_not_exists(#pipeid)",
		Item: store.Item{"pipeid": store.S(pipeid), "row": store.S(metaRow), "owner": store.S(owner),
			"len": store.N(length), "head": position{}.attribute(),
			"tail":  store.M(store.Item{"n": zero, "c": zero, "s": zero, "b": zero, "w": zero, "d": zero, "a": zero}),
			"waits": noWaits(), "asks": zero, "asker": store.S(""),
			"who": none, "what": none, "was": none, "owed": none, "made": none, "sn": none, "sk": none, "sf": none,
			store.AttrExpires: store.N(p.expiry())}})
	return err
}
