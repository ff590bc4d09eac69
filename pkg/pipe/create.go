package pipe

import (
	"context"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Create is what pipe.create takes.
type Create struct{ Len int64 }

// ReadCreate reads pipe.create's params.
func ReadCreate(p *jsonrpc.Params) Create {
	n := p.OptInt("len", DefaultLen)
	if n < 1 {
		n = DefaultLen
	}
	if n > MaxLen {
		p.Fail("len", "over 100000")
	}
	return Create{Len: n}
}

// Create carries out pipe.create. The row by which the end of the session finds the pipe comes first: a row without a pipe harms nobody. It is one
// of those that count as long as the session lasts, since so does the pipe.
func (p *Pipes) Create(ctx context.Context, c *call.Call, in Create) (jsonrpc.Outcome, error) {
	pipeid := p.NewID()
	item := [2]string{pipeid, metaRow}
	err := p.Rows.Put(ctx, call.Row{Key: call.Key{Connid: c.Connid, Row: call.Open(item)}, Kind: Kind, Item: item})
	if err != nil {
		return "", err
	}
	zero, none := store.N(0), store.M(store.Item{})
	// Key: the new pipe. Condition: there is nothing yet. Effect: it is open and empty; each map that an entry is ever written to is there,
	// since an update cannot make a map and an entry of it. A loser is this very write, repeated after its response was lost.
	_, err = p.DB.Do(ctx, store.Write{Table: store.Pipes, If: "attribute_not_exists(#pipeid)",
		Item: store.Item{"pipeid": store.S(pipeid), "row": store.S(metaRow), "owner": store.S(c.Connid), "req": store.S(c.Request),
			"len": store.N(in.Len), "head": position{}.attribute(),
			"tail":  store.M(store.Item{"n": zero, "c": zero, "s": zero, "w": zero, "d": zero, "a": zero}),
			"waits": &types.AttributeValueMemberL{Value: []types.AttributeValue{}}, "asks": zero, "asker": store.S(""),
			"who": none, "what": none, "was": none, "owed": none, "made": none, "sn": none, "sk": none, "sf": none,
			store.AttrExpires: store.N(p.expiry())}})
	if old, lost := store.Lost(err); lost && old.Str("req") == c.Request {
		err = nil
	}
	if err != nil {
		return "", err // nobody knows its id; it goes with its session
	}
	var o jsonrpc.Object
	return jsonrpc.Success(o.String("pipeid", pipeid).JSON()), nil
}
