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
	writer   *call.Call // nil for a topic

	// Of a topic: what the messages are, without those that turned out to be in the pipe; Publications says more.
	row   string
	first int64
	body  string
	// given says that the messages take the place of those for which the number lost was allotted, which was given up; met, that it has a plug.
	given, met bool
	lost       int64
	looks      bool // a row was put, or found: reads may wait beside it

	// What was prepared for a hand-over.
	message reference
	ack     reference
}

// put writes to a pipe: to a read that waits, if nothing is unread, else behind what is. The caller is answered; there tells whether the pipe is, and
// is false only if nothing was written. An error that is not recorded says that the write may not have happened, and did not wholly.
func (p *Pipes) put(ctx context.Context, m *meta, e *entry) (there bool, err error) {
	for range rounds {
		if !m.open() {
			return false, nil
		}
		if err := p.catchUp(ctx, m, e); err != nil {
			return true, err
		}
		if len(e.messages) == 0 {
			if e.looks {
				err = p.look(ctx, e.pipeid)
			}
			return true, call.Recorded(err)
		}
		if m.empty() && len(m.waits) > 0 && m.takes(e) {
			if !m.waits[0].deadline.After(p.Now()) {
				if m, err = p.expireFirst(ctx, m); err != nil {
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
			m, err = p.handOver(ctx, m, h, counted(e.messages, h.was.count), e.writer)
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
			r, err := p.putRow(ctx, e.pipeid, p.row(got.tail, e.messages[:got.fit], e.body, got.token))
			if err != nil {
				return true, err
			}
			if r.plug { // it took longer than a handler has; nobody was told anything of that number
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

// row returns a row of messages, or of the one that is in a body row.
func (p *Pipes) row(at tail, messages []json.RawMessage, body, token string) row {
	r := row{number: at.row, count: at.count + 1, sum: at.sum, bytes: at.bytes, at: p.Now(), token: token}
	if body != "" {
		r.body, r.length = body, int64(len(messages[0]))
	} else {
		r.text, r.many = joined(messages), len(messages) > 1
	}
	return r
}

// joined is a message, or an array of several.
func joined(messages []json.RawMessage) string {
	if len(messages) == 1 {
		return string(messages[0])
	}
	return string(jsonrpc.Array(messages))
}

// direct hands messages to the first read that waits, which takes them. It returns the hand-over, or nil if others were first, and the pipe as it is
// then.
func (p *Pipes) direct(ctx context.Context, m *meta, e *entry) (*handover, *meta, error) {
	k := int64(len(e.messages))
	h := &handover{token: p.token(), at: p.Now(), many: k > 1}
	if err := p.prepare(ctx, m, e); err != nil {
		return nil, nil, err
	}
	h.message = e.message
	w := store.Write{Table: store.Pipes, Key: metaKey(m.pipeid),
		Update: "SET #who.#token = #waits[0], #what.#token = :what, #was.#token = #tail, #tail.#c = #tail.#c + :k, #tail.#d = :zero",
		If:     "attribute_not_exists(#closed) AND #tail.#c = :count AND #head.#n = #tail.#n AND #waits[0].#dl > :now" + notRefused,
		Values: store.Item{":what": h.what(), ":k": store.N(k), ":zero": store.N(0), ":now": store.Millis(h.at), ":token": store.S(h.token),
			":count": store.N(m.tail.count)},
		Names: map[string]string{"#token": h.token}}
	if e.writer != nil && e.writer.ID != nil {
		w.Update += ", #owed.#token = :owed"
		w.Values[":owed"] = owed{connid: e.writer.Connid, id: e.ack, at: h.at}.attribute()
	}
	if k > 1 {
		w.If += " AND #waits[0].#m >= :k"
	}
	if e.row != "" {
		e.once(&w, k, false)
	}
	w.Update += " REMOVE #waits[0]"
	// Key: the pipe. Condition: it is open, as many messages were written as were read, nothing is unread, a read waits whose deadline is ahead and
	// which takes as many (and these publications were not appended). Effect: the first read that waits is in a hand-over of the messages, with the
	// counters as they were; they are counted, the drops are reported, the writer is owed an ok. A loser finds that another wrote, or took the read, or,
	// by the token, that it was itself. It is the count that lets no attempt come late, when the hand-over is cleared and its token forgotten.
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
	if e.body != "" {
		e.message = reference{body: e.body}
		return nil
	}
	most := inline
	if len(m.handed) >= inlined {
		most = 0
	}
	text := joined(e.messages)
	message, ack := p.referTo([]byte(text), most), reference{}
	if e.writer != nil {
		ack = p.referTo(e.writer.ID, inlineID)
	}
	id, err := beside(
		func() error { return p.putBody(ctx, ack, string(e.idOf())) },
		func() error { return p.putBody(ctx, message, text) })
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

// room tells how many of an entry's messages are counted, all or, of publications, as many as there is room for, and how many of these find room; of
// publications all or none. -32012 where a caller's would, but are too long.
func (p *Pipes) room(m *meta, e *entry) (all, fit int64, err error) {
	all, room, spare := int64(len(e.messages)), max(m.length-m.tail.waiting, 0), p.Limits.Bytes-m.unread()
	fit = min(all, room)
	if e.row == "" {
		if fit > 0 && long(e.messages[:fit]) > spare {
			return 0, 0, jsonrpc.Err(jsonrpc.LimitExceeded, fmt.Sprintf("%d bytes of the pipe are unread", m.unread()))
		}
		return all, fit, nil
	}
	for fit > 0 && long(e.messages[:fit]) > spare {
		fit--
	}
	if fit > 0 {
		all = fit
	}
	return all, fit, nil
}

// long is how long messages are together, in bytes.
func long(messages []json.RawMessage) (n int64) {
	for _, m := range messages {
		n += int64(len(m))
	}
	return n
}

// allot takes a number for a write and counts its messages, those for which there is no room as dropped. Of publications it takes as many as there is
// room for, or all where there is none: what a number was allotted for was dropped in no part. It returns nil if others were first, and the pipe as
// it is then; and always for publications: what they got is what the pipe knows of their row.
func (p *Pipes) allot(ctx context.Context, m *meta, e *entry) (*allotted, *meta, error) {
	all, fit, err := p.room(m, e)
	if err != nil {
		return nil, nil, err
	}
	bytes := long(e.messages[:fit])
	token := p.token()
	w := store.Write{Table: store.Pipes, Key: metaKey(m.pipeid), If: "attribute_not_exists(#closed) AND ",
		Update: "SET #tail.#n = #tail.#n + :one, #tail.#c = #tail.#c + :all, #tail.#s = #tail.#s + :fit, #tail.#w = #tail.#w + :fit, " +
			"#tail.#b = if_not_exists(#tail.#b, :zero) + :bytes, #tail.#d = #tail.#d + :rest, #tail.#a = :now",
		Values: store.Item{":one": store.N(1), ":zero": store.N(0), ":all": store.N(all), ":fit": store.N(fit), ":bytes": store.N(bytes),
			":rest": store.N(all - fit), ":now": store.Millis(p.Now())},
		Names: map[string]string{}}
	switch {
	case fit == all:
		w.If += "#tail.#w <= :most"
		w.Values[":most"] = store.N(m.length - all)
	case fit > 0:
		w.If += "#tail.#w = :waiting AND #tail.#c = :count"
		w.Values[":waiting"], w.Values[":count"] = store.N(m.tail.waiting), store.N(m.tail.count)
	default:
		w.Update = "SET #tail.#c = #tail.#c + :all, #tail.#d = #tail.#d + :all"
		w.Values = store.Item{":all": store.N(all), ":count": store.N(m.tail.count)}
		if m.tail.waiting >= m.length {
			w.If += "#tail.#w >= :len AND #tail.#c = :count"
			w.Values[":len"] = store.N(m.length)
		} else { // there are too many bytes, as long as nothing is read
			w.If += "#head.#n = :row AND #head.#o = :offset AND #tail.#c = :count"
			w.Values[":row"], w.Values[":offset"] = store.N(m.head.row), store.N(m.head.offset)
		}
	}
	if fit > 0 && m.head.bytes != unknown {
		// What is read meanwhile makes more room than this.
		w.If += " AND (attribute_not_exists(#tail.#b) OR #tail.#b <= :spare)"
		w.Values[":spare"] = store.N(m.head.bytes + p.Limits.Bytes - bytes)
	}
	if e.row != "" {
		e.once(&w, all, fit > 0)
	} else {
		w.If += " AND attribute_not_exists(#made.#token)"
		w.Update += ", #made.#token = #tail"
		w.Names["#token"] = token
		w.Update += m.forget(w.Names)
	}
	// Key: the pipe. Condition: it is open, there is room for all messages, or exactly as much as was read, or none, and then as many were written as
	// were read; for those that find room, the bytes of all that was accepted are few enough; and this was not done yet. (An attempt that comes when its
	// token is forgotten takes a number that is given up again; but drops would be counted twice, which the number of messages forbids.)
	// Effect: a number is allotted if any found room; all messages are counted, those accepted as unread, the others as drops; tail as it
	// was is kept under the token, or as the publications'. A loser finds that the room is another now, or, by the token or the
	// publications, that it was itself (or an earlier run of some of the same publications).
	i, err := p.DB.Do(ctx, w)
	old, lost := store.Lost(err)
	if lost {
		i = old
	} else if err != nil {
		return nil, nil, err
	}
	now := decode(i)
	if now == nil {
		return nil, nil, nil
	}
	if e.row != "" {
		return nil, now, nil
	}
	at, mine := now.made[token]
	switch {
	case mine:
		return &allotted{at, int(fit), token}, now, nil
	case fit < all && store.Repeated(err) && now.forgets(m.tail.count):
		return nil, nil, errForgotten
	}
	return nil, now, nil
}

// errForgotten says that messages were perhaps dropped and counted, by a write whose response was lost and of which so many others came since that it
// is forgotten. To drop them again would count them twice, and no answer but this is known to be true.
var errForgotten = errors.New("whether messages were dropped is not known")

// forgets tells whether a pipe may have forgotten an allotment that was made when so many messages had been written.
func (m *meta) forgets(count int64) bool {
	since := 0
	for _, at := range m.made {
		if at.count > count {
			since++
		}
	}
	return since >= remembered
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
