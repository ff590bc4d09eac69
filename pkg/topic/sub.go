package topic

import (
	"context"
	"errors"
	"time"

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

// Sub carries out topic.sub: the pipe gets what is published from when API Gateway took the call. A pipe that is subscribed already stays so from when
// it was first. -32003 if there is no such pipe, or it is closed.
func (t *Topics) Sub(ctx context.Context, c *call.Call, p Subscription) (jsonrpc.Outcome, error) {
	expires := t.Now().Add(call.Life)
	// Mostly there is no row yet. Else the loser's answer has it.
	err := t.change(ctx, c, p.Pipeid, nil, func(now subscription) []store.Write {
		return withListener(p.begin(now, c.At, expires), t.listens(p, expires))
	})
	if err != nil {
		return "", err
	}
	t.listenersChanged(p)
	return jsonrpc.OK, nil
}

// Unsub carries out topic.unsub: the pipe gets what was published until API Gateway took the call, whenever that is handed out. It takes what is not
// subscribed, too. -32003 if there is no such pipe, or it is closed.
func (t *Topics) Unsub(ctx context.Context, c *call.Call, p Subscription) (jsonrpc.Outcome, error) {
	began := t.Now()
	// Mostly the pipe is subscribed.
	err := t.change(ctx, c, p.Pipeid, subscription{}, func(now subscription) []store.Write { return withListener(p.end(now, c.At), t.deafens(p)) })
	if err != nil {
		return "", err
	}
	t.listenersChanged(p)
	t.apart(ctx, began)
	return jsonrpc.OK, nil
}

// begin returns the writes by which a pipe is subscribed from a time on, given its row as it was read; none where it is, or where that was ended by a
// call that API Gateway took later. Each fails if the row is another by then.
func (s Subscription) begin(now subscription, at, expires time.Time) []store.Write {
	ms, key := at.UnixMilli(), subscriber(s.Topic, s.Pipeid)
	switch {
	case now == nil:
		exp := store.N(expires.Unix())
		by, of := key, subscribed(s.Pipeid, s.Topic)
		by["from"], by[store.AttrExpires], of[store.AttrExpires] = store.N(ms), exp, exp
		// Keys: the pipe's row of the topic, and the topic's row of the pipe. Condition: there is none. Effect: the pipe is subscribed, which is found
		// from the topic and from the pipe. A loser finds that it is, or was.
		return []store.Write{{Table: store.Topics, Item: by, If: "attribute_not_exists(#part)"}, {Table: store.Topics, Item: of}}
	case now.open() && now.asked() < ms:
		// Key: the pipe's row of the topic. Condition: the pipe is subscribed, and nobody asked for it after this. Effect: somebody did, so that no end
		// which was asked for before can come late. A loser finds that it was ended, or asked for again.
		return []store.Write{{Table: store.Topics, Key: key, Update: "SET #again = :at", Values: store.Item{":at": store.N(ms)},
			If: "attribute_exists(#part) AND attribute_not_exists(#until) AND (attribute_not_exists(#again) OR #again < :at)"}}
	case !now.open() && store.Item(now).Int("until") <= ms:
		// Key: the same. Condition: the subscription was ended when it was, and not begun since. Effect: it begins again; the time before is kept. A
		// loser finds that another has begun it.
		return []store.Write{{Table: store.Topics, Key: key, Update: "SET #from = :at, #past = :past REMOVE #until, #again", If: "#until = :until",
			Values: store.Item{":at": store.N(ms), ":past": store.Ints(now.past()), ":until": now["until"]}}}
	}
	return nil
}

// end returns the write by which a pipe is subscribed until a time, given its row as it was read, an empty one where it was not; none where the pipe is
// not subscribed, or where that was asked for by a call that API Gateway took later. The row stays, so that what was published before is handed out.
func (s Subscription) end(now subscription, at time.Time) []store.Write {
	if !now.open() || now.asked() > at.UnixMilli() {
		return nil
	}
	// Key: the pipe's row of the topic. Condition: the pipe is subscribed, and nobody asked for it after this. Effect: it is not, from then on. A loser
	// finds that it is not, or that somebody asked for it later.
	return []store.Write{{Table: store.Topics, Key: subscriber(s.Topic, s.Pipeid), Update: "SET #until = :at", Values: store.Item{":at": store.Millis(at)},
		If: "attribute_exists(#part) AND attribute_not_exists(#until) AND (attribute_not_exists(#from) OR #from <= :at) AND " +
			"(attribute_not_exists(#again) OR #again <= :at)"}}
}

// withListener adds to the writes that change a subscription those that belong to them; to none, none.
func withListener(change, besides []store.Write) []store.Write {
	if len(change) == 0 {
		return nil
	}
	return append(change, besides...)
}

// changes is how often a subscription is tried to be changed. Each time another changed it.
const changes = 16

var errChanging = errors.New("too many others changed the subscription at the same time")

// change carries out the writes that a subscription's row as it is asks for, if the pipe is open. now is what the row is taken for at first.
func (t *Topics) change(ctx context.Context, c *call.Call, pipeid string, now subscription, writes func(now subscription) []store.Write) error {
	open, ok := t.Pipes.Open(pipeid)
	if !ok {
		return t.Pipes.Invalid(pipeid)
	}
	token := c.Request
	for range changes {
		// Keys and conditions: those of the writes, and the pipe's: it is open. It is closed after this then, and who closes it finds both rows. Effect: the
		// writes. A loser finds that the pipe is closed or gone, or the row as it is. A repetition is known by the token.
		err := t.DB.Transact(ctx, token, append([]store.Write{open}, writes(now)...)...)
		cancelled, lost := errors.AsType[*store.Cancelled](err)
		switch {
		case !lost:
			return err
		case cancelled.Lost[0] != nil:
			return t.Pipes.Invalid(pipeid)
		}
		now, token = subscription(cancelled.Lost[1].Old), t.NewID()
	}
	return errChanging
}
