package pipe

import (
	"context"
	"errors"

	"nexus/pkg/call"
	"nexus/pkg/chores"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Close is what pipe.close takes.
type Close struct{ Pipeid string }

// ReadClose reads pipe.close's params.
func ReadClose(p *jsonrpc.Params) Close { return Close{p.String("pipeid")} }

// Close carries out pipe.close: the reads that wait are answered without messages, what is unread is lost.
func (p *Pipes) Close(ctx context.Context, c *call.Call, in Close) (jsonrpc.Outcome, error) {
	if !valid(in.Pipeid) {
		return "", invalid(in.Pipeid)
	}
	own := owed{connid: c.Connid, id: p.referTo(c.ID, inlineID), at: p.Now()}
	token := p.token()
	if err := p.putBody(ctx, own.id, string(c.ID)); err != nil {
		return "", err
	}
	update := "SET #closed = :now, #closer = :request"
	vals := store.Item{":now": store.Millis(own.at), ":request": store.S(c.Request), ":owner": store.S(c.Connid), ":token": store.S(token)}
	names := map[string]string{}
	if c.ID != nil {
		update += ", #owed.#token = :owed"
		vals[":owed"], names["#token"] = own.attribute(), token
	}
	// Key: the pipe. Condition: it is open and the caller's. Effect: it is closed: nothing is allotted, handed over or joined any more, so that the
	// reads that wait and the counters stay as they are until they are answered. A loser finds it closed, gone or another's, or, by the
	// request, that it was itself.
	i, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(in.Pipeid), Update: update,
		If: "#owner = :owner AND attribute_not_exists(#closed)" + notRefused, Values: vals, Names: names})
	if old, lost := store.Lost(err); lost {
		if old.Str("closer") != c.Request {
			return "", invalid(in.Pipeid)
		}
		i, err = old, nil
	}
	if err != nil {
		return "", p.unsure(ctx, in.Pipeid, token, err)
	}
	m := decode(i)
	// The subscriptions go before the answer, so that what is published after it does not count them. If that fails, or this handler dies, a fan-out
	// removes what it meets, and the end of the session the rest.
	failed, reads := beside(
		func() error { return p.forget(ctx, rowOf(c.Connid, in.Pipeid)) },
		func() error { return p.dismiss(ctx, m) })
	toCloser := p.post(ctx, c.Connid, c.ID, jsonrpc.OK)
	if posted(reads) && posted(toCloser) {
		failed = errors.Join(failed, p.closed(ctx, m, token))
	}
	return "", call.Recorded(errors.Join(failed, p.gone(ctx, c.Connid, errors.Join(reads, toCloser))))
}

// forget takes away what tells of a pipe that is closed: its subscriptions, then the row by which the end of its session would find it. That costs what it
// saves there.
func (p *Pipes) forget(ctx context.Context, row call.Row) error {
	if err := p.Topics.PipeGone(ctx, row.Item[0]); err != nil {
		return err
	}
	return p.Rows.Over(ctx, row.Key)
}

// dismiss answers the reads that waited when a pipe was closed.
func (p *Pipes) dismiss(ctx context.Context, m *meta) error {
	for _, w := range m.waits {
		id, err := p.textOf(ctx, w.id)
		if err == nil {
			err = p.post(ctx, m.owner, id, answer(m.tail.waiting, m.tail.drops, nil))
		}
		if err != nil {
			return err // all go over one connection: the next would meet the same
		}
	}
	return nil
}

// closed is for a closed pipe whose reads are answered, and the owner of an ok, if any.
func (p *Pipes) closed(ctx context.Context, m *meta, token string) error {
	delete(m.owed, token)
	if m.waits = nil; len(m.handed)+len(m.owed) == 0 {
		return p.bury(ctx, m)
	}
	// Key: the pipe. Condition: it is closed. Effect: no read waits any more, and the ok is not owed; the hand-overs under way are left to who is at
	// them. A loser finds the pipe gone.
	i, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(m.pipeid), Update: "SET #waits = :none REMOVE #owed.#token",
		If: "attribute_exists(#closed)", Values: store.Item{":none": noWaits()},
		Names: map[string]string{"#token": token}})
	if _, lost := store.Lost(err); lost {
		return nil
	}
	if err != nil {
		return err
	}
	return p.bury(ctx, decode(i))
}

// bury deletes a closed pipe in which nothing is left to be done, as it was read: nothing is added to it any more. Its rows go by TimeToLive.
func (p *Pipes) bury(ctx context.Context, m *meta) error {
	if m == nil || m.open() || len(m.waits)+len(m.handed)+len(m.owed) > 0 {
		return nil
	}
	// Key: the pipe. Condition: it is closed. Effect: it is gone. A loser finds it gone.
	_, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(m.pipeid), If: "attribute_exists(#closed)"})
	if _, lost := store.Lost(err); lost {
		return nil
	}
	return err
}

// Ended closes the pipes of a session that has ended. Nobody is left to read.
func (p *Pipes) Ended(ctx context.Context, end call.End, rows []call.Row) error {
	return chores.Join(p.Chores.Each(ctx, len(rows), func(ctx context.Context, n int) error {
		// The pipe first: whoever subscribes it then finds it gone, and whoever did before is found by this.
		if err := p.abandon(ctx, rows[n].Item[0], end.Connid); err != nil {
			return err
		}
		return p.Topics.PipeGone(ctx, rows[n].Item[0])
	}))
}

// abandon closes a pipe whose session has ended: its reads and what was on its way to them go with it, but not the ok that writers are owed.
func (p *Pipes) abandon(ctx context.Context, pipeid, connid string) error {
	vals := store.Item{":owner": store.S(connid), ":zero": store.N(0)}
	// Key: the pipe. Condition: it is of that session and owes no writer its ok. Effect: it is gone. A loser finds it gone, or that it owes.
	_, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(pipeid), If: "#owner = :owner AND size(#owed) = :zero", Values: vals})
	switch old, lost := store.Lost(err); {
	case !lost:
		return err
	case old.Str("owner") != connid:
		return nil // there is none of that session
	}
	none := store.M(store.Item{})
	// Key: the pipe. Condition: it is of that session. Effect: it is closed, and holds nothing but what it owes: who is at it clears that, or
	// repair. A loser finds it gone.
	i, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(pipeid),
		Update: "SET #closed = if_not_exists(#closed, :now), #waits = :empty, #who = :none, #what = :none, #was = :none", If: "#owner = :owner",
		Values: store.Item{":owner": vals[":owner"], ":now": store.Millis(p.Now()), ":none": none, ":empty": noWaits()}})
	if _, lost := store.Lost(err); lost {
		return nil
	}
	if err != nil {
		return err
	}
	return p.bury(ctx, decode(i))
}
