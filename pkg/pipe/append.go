package pipe

import (
	"context"
	"encoding/json"
	"fmt"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Publications are messages of topics as a pipe gets them: some that follow one another in a row of publications.
type Publications struct {
	// Row is the row of publications that they are of, at most 64 in all, and N the first one's number there, from 1 on: each pipe is given those of a
	// row in the order of their numbers. Without Row a repetition is not recognised, no order kept, and there is one message.
	Row string
	N   int64
	// Messages are {"topic","msg"}: one of at most MaxMessage bytes and what a topic's name takes, or at most 100 which take 64 KB together.
	Messages []json.RawMessage
	// Body, where it is not empty, is a row of the table bodies that holds the only message in its attribute out and outlasts the pipe: then the pipe
	// refers to it and keeps no copy.
	Body string
}

// Append writes publications to a pipe, serves reads that wait, and tells whether there is such a pipe. Given some of the same numbers again, after
// an error or a death or at the same time, alone or with others, it does what is left of them: each message is in the pipe once, in a row, or was
// handed to one read, or is counted in drops.
//
// After an error that is not call.Recorded some messages may not be in the pipe: the caller repeats them, or gives them up, before it goes on to a
// greater N. A recorded one is about serving reads alone, which repair does then.
func (p *Pipes) Append(ctx context.Context, pipeid string, pub Publications) (there bool, err error) {
	if !valid(pipeid) {
		return false, nil
	}
	m, err := p.get(ctx, pipeid)
	if err != nil || !m.open() {
		return false, err
	}
	return p.put(ctx, m, &entry{pipeid: pipeid, messages: pub.Messages, row: pub.Row, first: pub.N, body: pub.Body})
}

// appended is what a pipe knows of the publications of a row that it was given last.
type appended struct {
	first, last int64
	// at is tail just before them, if a number was allotted to them; else they were handed over or dropped, all at once, and first is not known.
	at       tail
	numbered bool
}

func (m *meta) appended(row string) appended {
	a := appended{last: m.seen.Int(row)}
	if at := m.seenAt.Map(row); at != nil {
		a.at, a.numbered, a.first = decodeTail(at), true, m.seenFrom.Int(row)
	}
	return a
}

// catchUp leaves of an entry what the pipe has not had. It sees to the row of the last number that was allotted to publications of its row: who has
// all of them puts it. Who has only some cannot, and gives the number up, so that those are allotted another; whoever was about to put it meets the
// plug, and goes on with what is missing then. An error says that the row may not be there.
func (p *Pipes) catchUp(ctx context.Context, m *meta, e *entry) error {
	e.given = false
	a := m.appended(e.row)
	if e.row == "" || a.last < e.first {
		return nil
	}
	if !a.numbered {
		e.skip(a.last) // by a handler that may still be at it
		return nil
	}
	if e.last() < a.first {
		e.skip(a.last) // they were done before those began
		return nil
	}
	if !e.met || e.lost != a.at.row {
		r := row{number: a.at.row, at: p.Now(), token: p.token(), plug: true}
		if e.first <= a.first && a.last <= e.last() {
			r = p.row(a.at, e.messages[a.first-e.first:a.last-e.first+1], e.body, fmt.Sprintf("%s/%d", e.row, a.last))
		}
		there, err := p.putRow(ctx, e.pipeid, r)
		switch {
		case err != nil:
			return err
		case !there.plug:
			e.looks = true
			e.skip(a.last)
			return nil
		}
		e.met, e.lost = true, a.at.row
	}
	e.given = true
	e.skip(a.first - 1)
	return nil
}

// skip leaves out the publications up to a number.
func (e *entry) skip(last int64) {
	n := min(max(last-e.first+1, 0), int64(len(e.messages)))
	if n > 0 {
		e.messages, e.first, e.message = e.messages[n:], e.first+n, reference{}
	}
}

// last is the last publication's number.
func (e *entry) last() int64 { return e.first + int64(len(e.messages)) - 1 }

// once adds to a write that stores the first publications of an entry what makes it the only one: in place of none, or of the number that was given
// up. A number was allotted if numbered is set.
func (e *entry) once(w *store.Write, count int64, numbered bool) {
	w.Names["#r"] = e.row
	w.Values[":last"] = store.N(e.first + count - 1)
	if numbered || !e.given {
		w.Values[":first"] = store.N(e.first)
	}
	w.Update += ", #sn.#r = :last, #sk.#r = "
	if numbered {
		w.Update += "#tail, #sf.#r = :first"
	} else {
		w.Update += ":no"
		w.Values[":no"] = store.Bool(false)
	}
	if e.given {
		w.If += " AND #sk.#r.#n = :lost"
		w.Values[":lost"] = store.N(e.lost)
	} else {
		w.If += " AND (attribute_not_exists(#sn.#r) OR #sn.#r < :first)"
	}
}

// takes tells whether the first read that waits takes all of an entry, in one hand-over.
func (m *meta) takes(e *entry) bool {
	if len(e.messages) == 1 {
		return true
	}
	if e.writer != nil || int64(len(e.messages)) > m.waits[0].max {
		return false
	}
	size := 0
	for n, r := range e.messages {
		size += message{text: r, count: m.tail.count + int64(n) + 1}.size()
	}
	return size <= fits(jsonrpc.MaxID)
}
