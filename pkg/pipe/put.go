package pipe

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// entry is what is to be written: by a caller, or for a topic.
type entry struct {
	pipeid   string
	messages []json.RawMessage
	writer   *call.Call  // nil for a topic
	pub      Publication // of a topic

	// What was prepared for a hand-over.
	message reference
	ack     reference
	// The number that was allotted to the publication and then given up, if one was.
	given bool
	lost  int64
}

// put writes to a pipe: to a read that waits, if nothing is unread, else behind what is. The caller is answered; there tells whether the pipe is, and
// is false only if nothing was written. An error that is not recorded says that the write may not have happened, and did not wholly.
func (p *Pipes) put(ctx context.Context, m *meta, e *entry) (there bool, err error) {
	for range rounds {
		if !m.open() {
			return false, nil
		}
		if done, at, numbered := m.appended(e.pub); done && !numbered {
			return true, nil // handed over or dropped, by a handler that may still be at it
		} else if done && !(e.given && at.row == e.lost) {
			switch there, err := p.putRow(ctx, e.pipeid, e.row(at, 1, fmt.Sprintf("%s/%d", e.pub.Row, e.pub.N), p)); {
			case err != nil:
				return true, err
			case !there.plug:
				return true, call.Recorded(p.look(ctx, e.pipeid))
			}
			e.given, e.lost = true, at.row
		}
		if m.empty() && len(m.waits) > 0 && len(e.messages) == 1 {
			if !m.waits[0].deadline.After(p.Now()) {
				if m, err = p.expire(ctx, m, 0); err != nil {
					return true, err
				}
				continue
			}
			h, now, err := p.direct(ctx, m, e)
			if err != nil {
				return true, err
			}
			if m = now; h == nil {
				continue
			}
			m, err = p.handOver(ctx, m, h, []message{{text: e.messages[0], count: h.was.count + 1}}, e.writer)
			if err == nil {
				_, err = p.settle(ctx, m)
			}
			return true, call.Recorded(err)
		}
		got, now, err := p.allot(ctx, m, e)
		if err != nil {
			return true, err
		}
		if m = now; got == nil {
			continue
		}
		if got.fit > 0 {
			there, err := p.putRow(ctx, e.pipeid, e.row(got.tail, got.fit, got.token, p))
			if err != nil {
				return true, err
			}
			if there.plug { // it took longer than a handler has; nobody was told anything of that number
				if m, err = p.get(ctx, e.pipeid); err != nil {
					return true, err
				}
				continue
			}
		}
		return true, call.Recorded(p.stored(ctx, e))
	}
	return true, errBusy
}

// stored acknowledges what is in a row, or dropped, and looks for reads that wait.
func (p *Pipes) stored(ctx context.Context, e *entry) error {
	if e.writer == nil {
		return p.look(ctx, e.pipeid)
	}
	toWriter, err := beside(
		func() error { return p.post(ctx, e.writer.Connid, e.writer.ID, jsonrpc.OK) },
		func() error { return p.look(ctx, e.pipeid) })
	return errors.Join(p.gone(ctx, e.writer.Connid, toWriter), err)
}

// row returns the row of the first messages of an entry, as many as fit.
func (e *entry) row(at tail, fit int, token string, p *Pipes) row {
	r := row{number: at.row, count: at.count + 1, sum: at.sum, at: p.Now(), token: token}
	switch {
	case e.pub.Body != "":
		r.body, r.length = e.pub.Body, int64(len(e.messages[0]))
	case fit > 1:
		r.many, r.text = true, string(jsonrpc.Array(e.messages[:fit]))
	default:
		r.text = string(e.messages[0])
	}
	return r
}

// direct hands a message to the first read that waits. It returns the hand-over, or nil if others were first, and the pipe as it is then.
func (p *Pipes) direct(ctx context.Context, m *meta, e *entry) (*handover, *meta, error) {
	h := &handover{token: p.token(), at: p.Now()}
	if err := p.prepare(ctx, m, e); err != nil {
		return nil, nil, err
	}
	h.message = e.message
	w := store.Write{Table: store.Pipes, Key: metaKey(m.pipeid),
		Update: "SET #who.#token = #waits[0], #what.#token = :what, #was.#token = #tail, #tail.#c = #tail.#c + :one, #tail.#d = :zero",
		If:     "attribute_not_exists(#closed) AND #tail.#c = :count AND #head.#n = #tail.#n AND #waits[0].#dl > :now" + notRefused,
		Values: store.Item{":what": h.what(), ":one": store.N(1), ":zero": store.N(0), ":now": store.Millis(h.at), ":token": store.S(h.token),
			":count": store.N(m.tail.count)},
		Names: map[string]string{"#token": h.token}}
	if e.writer != nil && e.writer.ID != nil {
		w.Update += ", #owed.#token = :owed"
		w.Values[":owed"] = owed{connid: e.writer.Connid, id: e.ack, at: h.at}.attribute()
	}
	if e.pub.Row != "" {
		w.Values[":no"] = store.Bool(false)
		e.once(&w, ":no")
	}
	w.Update += " REMOVE #waits[0]"
	// Key: the pipe. Condition: it is open, as many messages were written as were read, nothing is unread, a read waits whose deadline is ahead (and
	// this publication was not appended). Effect: the first read that waits is in a hand-over of the message, with the counters as they were; one
	// more message is counted, the drops are reported, the writer is owed an ok. A loser finds that another wrote, or took the read, or, by
	// the token, that it was itself. It is the count that lets no attempt come late, when the hand-over is cleared and its token forgotten.
	i, err := p.DB.Do(ctx, w)
	if old, lost := store.Lost(err); lost {
		i, err = old, nil
	}
	if err != nil && e.writer == nil {
		return nil, nil, err // a repetition finds out
	}
	if err != nil {
		return nil, nil, p.unsure(ctx, m.pipeid, h.token, err)
	}
	now := decode(i)
	if now == nil || now.handed[h.token].token == "" {
		return nil, now, nil
	}
	h.wait, h.was = now.handed[h.token].wait, now.handed[h.token].was
	return h, now, nil
}

// prepare puts the rows of what a hand-over cannot hold itself, once.
func (p *Pipes) prepare(ctx context.Context, m *meta, e *entry) error {
	if e.message != (reference{}) {
		return nil
	}
	if e.pub.Body != "" {
		e.message = reference{body: e.pub.Body}
		return nil
	}
	most := inline
	if len(m.handed) >= inlined {
		most = 0
	}
	message, ack := p.referTo(e.messages[0], most), reference{}
	if e.writer != nil {
		ack = p.referTo(e.writer.ID, inlineID)
	}
	id, err := beside(
		func() error { return p.putBody(ctx, ack, string(e.idOf())) },
		func() error { return p.putBody(ctx, message, string(e.messages[0])) })
	if err := errors.Join(id, err); err != nil {
		return err
	}
	e.message, e.ack = message, ack
	return nil
}

func (e *entry) idOf() json.RawMessage {
	if e.writer == nil {
		return nil
	}
	return e.writer.ID
}

// allotted is what a write got: the tail as it was just before, and how many of the messages found room. Where none did there is no number.
type allotted struct {
	tail
	fit   int
	token string
}

// remembered is how many of the last allotments a pipe remembers, so that who lost a response knows its own among others.
const remembered = 4

// allot takes a number for a write and counts its messages, those for which there is no room as dropped. It returns nil if others were first, and the
// pipe as it is then.
func (p *Pipes) allot(ctx context.Context, m *meta, e *entry) (*allotted, *meta, error) {
	all := int64(len(e.messages))
	fit := min(all, max(m.length-m.tail.waiting, 0))
	token := p.token()
	w := store.Write{Table: store.Pipes, Key: metaKey(m.pipeid), If: "attribute_not_exists(#closed) AND ",
		Update: "SET #tail.#n = #tail.#n + :one, #tail.#c = #tail.#c + :all, #tail.#s = #tail.#s + :fit, #tail.#w = #tail.#w + :fit, " +
			"#tail.#d = #tail.#d + :rest, #tail.#a = :now",
		Values: store.Item{":one": store.N(1), ":all": store.N(all), ":fit": store.N(fit), ":rest": store.N(all - fit), ":now": store.Millis(p.Now())},
		Names:  map[string]string{}}
	switch {
	case fit == all:
		w.If += "#tail.#w <= :most"
		w.Values[":most"] = store.N(m.length - all)
	case fit > 0:
		w.If += "#tail.#w = :waiting AND #tail.#c = :count"
		w.Values[":waiting"], w.Values[":count"] = store.N(m.tail.waiting), store.N(m.tail.count)
	default:
		w.If += "#tail.#w >= :len AND #tail.#c = :count"
		w.Update = "SET #tail.#c = #tail.#c + :all, #tail.#d = #tail.#d + :all"
		w.Values = store.Item{":len": store.N(m.length), ":all": store.N(all), ":count": store.N(m.tail.count)}
	}
	if e.pub.Row != "" {
		at := "#tail"
		if fit == 0 {
			at, w.Values[":no"] = ":no", store.Bool(false)
		}
		e.once(&w, at)
	} else {
		w.If += " AND attribute_not_exists(#made.#token)"
		w.Update += ", #made.#token = #tail"
		w.Names["#token"] = token
		w.Update += m.forget(w.Names)
	}
	// Key: the pipe. Condition: it is open, there is room for all messages, or exactly as much as was read, or none, and then as many were written as
	// were read; and this was not done yet. (An attempt that comes late, when its token is forgotten, takes a number that is given up again, but its
	// drops would be counted twice.)
	// Effect: a number is allotted if any found room; all messages are counted, those accepted as unread, the others as drops; tail as it
	// was is kept under the token, or as the publication's. A loser finds that the room is another now, or, by the token or the
	// publication, that it was itself (or an earlier run of the same publication).
	i, err := p.DB.Do(ctx, w)
	if old, lost := store.Lost(err); lost {
		i, err = old, nil
	}
	if err != nil {
		return nil, nil, err
	}
	now := decode(i)
	if now == nil {
		return nil, nil, nil
	}
	if e.pub.Row != "" {
		return nil, now, nil // what it got is among what the pipe has seen
	}
	at, mine := now.made[token]
	if !mine {
		return nil, now, nil
	}
	return &allotted{at, int(fit), token}, now, nil
}

// forget returns the clause that removes all but the latest allotments that a pipe remembers, and names them.
func (m *meta) forget(names map[string]string) string {
	tokens := slices.SortedFunc(maps.Keys(m.made), func(a, b string) int {
		return cmp.Or(cmp.Compare(m.made[a].count, m.made[b].count), cmp.Compare(a, b))
	})
	clause := ""
	for n, token := range tokens[:max(len(tokens)-remembered+1, 0)] {
		name := fmt.Sprintf("#old%d", n)
		names[name] = token
		if clause == "" {
			clause = " REMOVE "
		} else {
			clause += ", "
		}
		clause += "#made." + name
	}
	return clause
}
