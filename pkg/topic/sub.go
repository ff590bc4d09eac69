package topic

import (
	"context"
	"errors"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Subscription is what topic.sub and topic.unsub take.
type Subscription struct{ Pipeid, Topic string }

// ReadSubscription reads the params of topic.sub and topic.unsub.
func ReadSubscription(p *jsonrpc.Params) Subscription {
	in := Subscription{Pipeid: p.String("pipeid")}
	var err error
	in.Topic, err = access.Topic(p.String("topic"))
	p.Check("topic", err)
	return in
}

// Subject is the name that permission is needed on: the topic as it is given, be it a wildcard.
func (s Subscription) Subject() string { return s.Topic }

// Sub carries out topic.sub. -32003 if there is no such pipe, or it is closed.
func (t *Topics) Sub(ctx context.Context, c *call.Call, p Subscription) (jsonrpc.Outcome, error) {
	expires := t.Now().Add(call.Life)
	noted, err := beside(
		func() error { return t.note(ctx, firstLabel(p.Topic), expires) },
		func() error {
			exp := store.N(expires.Unix())
			by, of := subscriber(p.Topic, p.Pipeid), subscribed(p.Pipeid, p.Topic)
			by[store.AttrExpires], of[store.AttrExpires] = exp, exp
			// Effect: the pipe is subscribed, which is found from the topic and from the pipe.
			return t.change(ctx, c, p.Pipeid, store.Write{Table: store.Topics, Item: by}, store.Write{Table: store.Topics, Item: of})
		})
	if err := errors.Join(err, noted); err != nil {
		return "", err
	}
	return jsonrpc.OK, nil
}

// Unsub carries out topic.unsub: of what is subscribed, and of what is not. -32003 if there is no such pipe, or it is closed.
func (t *Topics) Unsub(ctx context.Context, c *call.Call, p Subscription) (jsonrpc.Outcome, error) {
	// Effect: the pipe is not subscribed.
	err := t.change(ctx, c, p.Pipeid, store.Write{Table: store.Topics, Key: subscriber(p.Topic, p.Pipeid)},
		store.Write{Table: store.Topics, Key: subscribed(p.Pipeid, p.Topic)})
	if err != nil {
		return "", err
	}
	return jsonrpc.OK, nil
}

// change writes both rows of a subscription, if the pipe is open.
func (t *Topics) change(ctx context.Context, c *call.Call, pipeid string, by, of store.Write) error {
	open, ok := t.Pipes.Open(pipeid)
	if !ok {
		return t.Pipes.Invalid(pipeid)
	}
	// Keys: the pipe's row of the topic, and the topic's row of the pipe. Condition: the pipe is open. It is closed after this then, and who closes it
	// finds both. A loser finds that the pipe is closed or gone. A repetition is known by the request.
	err := t.DB.Transact(ctx, c.Request, open, by, of)
	if _, lost := errors.AsType[*store.Cancelled](err); lost {
		return t.Pipes.Invalid(pipeid)
	}
	return err
}
