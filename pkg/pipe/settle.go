package pipe

import (
	"context"

	"nexus/pkg/call"
	"nexus/pkg/store"
)

// look reads a pipe and serves the reads that wait.
func (p *Pipes) look(ctx context.Context, pipeid string) error {
	m, err := p.get(ctx, pipeid)
	if err != nil {
		return err
	}
	_, err = p.settle(ctx, m)
	return err
}

// settle serves the reads that wait, first come first, while there are rows at the head. Everybody who may have brought the two together calls it:
// who put a row, who joined the reads, who cleared a hand-over, and repair. It tells how old a number without a row would have to be for it to go on;
// nil if that is not what stopped it.
func (p *Pipes) settle(ctx context.Context, m *meta) (blocked *span, err error) {
	for range rounds {
		if !m.open() || len(m.waits) == 0 || m.empty() {
			return nil, nil
		}
		first := m.waits[0]
		if !first.deadline.After(p.Now()) {
			if m, err = p.expireFirst(ctx, m); err != nil {
				return nil, err
			}
			continue
		}
		s, err := p.collect(ctx, m, first.max, fits(first.idLength()))
		if err != nil {
			return nil, err
		}
		if len(s.messages) == 0 {
			if m, blocked, err = p.unblock(ctx, m, s); blocked != nil || err != nil {
				return blocked, err
			}
			continue
		}
		h := &handover{token: p.token(), at: p.Now()}
		now, err := p.claim(ctx, m, h, s, &first)
		if err != nil {
			return nil, err
		}
		if m = now; m == nil || m.handed[h.token].token == "" {
			continue
		}
		if m, err = p.handOver(ctx, m, h, s.messages, nil); err != nil {
			return nil, err
		}
	}
	return nil, nil // repair looks again
}

// claim moves the head over a range of messages and hands them to a read: the first that waits, if one is given, else h's own, which must not
// overtake one. It completes h and returns the pipe as it is then; if h is not among its hand-overs, others were first.
func (p *Pipes) claim(ctx context.Context, m *meta, h *handover, s *span, first *wait) (*meta, error) {
	h.from, h.to, h.taken = s.from, s.to, s.to.sum-s.from.sum
	vals := store.Item{":to": s.to.attribute(), ":k": store.N(h.taken), ":zero": store.N(0), ":what": h.what(), ":row": store.N(s.from.row),
		":offset": store.N(s.from.offset)}
	update := "SET #head = :to, #tail.#w = #tail.#w - :k, #tail.#d = :zero, #what.#token = :what, #was.#token = #tail, #who.#token = "
	condition := "attribute_not_exists(#closed) AND #head.#n = :row AND #head.#o = :offset"
	if first != nil {
		update, condition, vals[":first"] = update+"#waits[0] REMOVE #waits[0]", condition+" AND #waits[0].#t = :first", store.S(first.token)
	} else {
		update, condition, vals[":wait"] = update+":wait", condition+" AND attribute_not_exists(#waits[0])", h.wait.attribute()
	}
	if s.atEnd {
		condition, vals[":next"] = condition+" AND #tail.#n = :next", store.N(m.tail.row)
	}
	vals[":token"] = store.S(h.token)
	// Key: the pipe. Condition: it is open, its head is where the range begins, and the read is still the first that waits, or none waits. Effect:
	// the head is behind the range, which is named in a hand-over to the read together with the counters as they were; what is unread is
	// less by it, and the drops are reported. A loser finds that another took messages or the read, or, by the token, that it was itself.
	i, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(m.pipeid), Update: update, If: condition + notRefused, Values: vals,
		Names: map[string]string{"#token": h.token}})
	if old, lost := store.Lost(err); lost {
		i, err = old, nil
	}
	if err != nil {
		return nil, p.unsure(ctx, m.pipeid, h.token, err)
	}
	now := decode(i)
	if now != nil && now.handed[h.token].token != "" {
		h.wait, h.was = now.handed[h.token].wait, now.handed[h.token].was
	}
	return now, nil
}

// unblock gets over what keeps the head from the messages behind it: plugs, and a number whose writer is dead. It returns the pipe as it is then, or
// the range that it could do nothing about.
func (p *Pipes) unblock(ctx context.Context, m *meta, s *span) (now *meta, blocked *span, err error) {
	if s.from == s.to {
		done, err := p.plug(ctx, m, s)
		if err != nil || !done {
			return nil, s, err
		}
		return m, nil, nil
	}
	vals := store.Item{":to": s.to.attribute(), ":k": store.N(s.to.sum - s.from.sum), ":row": store.N(s.from.row), ":offset": store.N(s.from.offset)}
	condition := "attribute_not_exists(#closed) AND #head.#n = :row AND #head.#o = :offset"
	if s.atEnd {
		condition, vals[":next"] = condition+" AND #tail.#n = :next", store.N(m.tail.row)
	}
	// Key: the pipe. Condition: it is open and its head is before the plugs. Effect: it is behind them; at the end of what was allotted, what only
	// their writers knew is unread no more. A loser finds that the head has moved, perhaps by itself, or that the pipe is gone.
	i, err := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(m.pipeid), Update: "SET #head = :to, #tail.#w = #tail.#w - :k",
		If: condition, Values: vals})
	if old, lost := store.Lost(err); lost {
		i, err = old, nil
	}
	return decode(i), nil, err
}

// unsure is for a write whose outcome is unknown although it was repeated: it may be under way still and arrive when its handler is long over, so
// that a read that was told -32603 would be handed messages that nobody hears of. Such a write is settled: it is there, and its call counts as
// recorded and is answered from the record, or it can happen no more. Where even that cannot be told, the call counts as recorded.
func (p *Pipes) unsure(ctx context.Context, pipeid, token string, err error) error {
	if err == nil || call.IsRecorded(err) || store.Refused(err) {
		return err
	}
	// Key: the pipe. Condition: it is there, and nothing in it bears the token. Effect: no hand-over and no ok can come under the token any more. A
	// loser finds the write there, or the pipe gone, where it cannot happen either.
	_, failed := p.DB.Do(ctx, store.Write{Table: store.Pipes, Key: metaKey(pipeid), Update: "ADD #refused :refused",
		If:     "attribute_exists(#pipeid) AND attribute_not_exists(#who.#token) AND attribute_not_exists(#owed.#token)",
		Values: store.Item{":refused": store.Set(token)}, Names: map[string]string{"#token": token}})
	if old, lost := store.Lost(failed); failed == nil || lost && old == nil {
		return err
	}
	return call.Recorded(err)
}

// notRefused is the condition of a write with a :token that unsure has not settled it.
const notRefused = " AND NOT contains(#refused, :token)"
