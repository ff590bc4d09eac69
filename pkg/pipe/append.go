package pipe

import (
	"context"
	"encoding/json"

	"nexus/pkg/store"
)

// Publication is a message of a topic as a pipe gets it.
type Publication struct {
	// Row is the row of publications that it is of, at most 64 in all, and N its number there, from 1 on: each pipe is given those of a row in the
	// order of their numbers. Without Row a repetition is not recognised, and no order kept.
	Row string
	N   int64
	// Message is {"topic","msg"}, at most MaxMessage bytes and what a topic's name takes.
	Message json.RawMessage
	// Body, where it is not empty, is a row of the table bodies that holds Message in its attribute out and outlasts the pipe: then the pipe refers to it
	// and keeps no copy.
	Body string
}

// Append writes a publication to a pipe, serves a read that waits, and tells whether there is such a pipe. Given the same Row and N again, after an
// error or a death or at the same time, it does what is left of it: the message is in the pipe once, in a row of the same number, or was handed to one
// read, or is counted in drops. Only where a reader meanwhile gave up its number does it get another; it was in none then.
//
// After an error that is not call.Recorded the message may not be in the pipe: the caller repeats it before it goes on to a greater N. A recorded one is
// about serving reads alone, which repair does then.
func (p *Pipes) Append(ctx context.Context, pipeid string, pub Publication) (there bool, err error) {
	if !valid(pipeid) {
		return false, nil
	}
	m, err := p.get(ctx, pipeid)
	if err != nil || !m.open() {
		return false, err
	}
	return p.put(ctx, m, &entry{pipeid: pipeid, messages: []json.RawMessage{pub.Message}, pub: pub})
}

// appended tells of a publication whether the pipe has had it, or a later one of its row; and tail just before it, if a number was allotted to it.
func (m *meta) appended(pub Publication) (done bool, at tail, numbered bool) {
	if pub.Row == "" || !m.seen.Has(pub.Row) || m.seen.Int(pub.Row) < pub.N {
		return false, tail{}, false
	}
	entry := m.seenAt.Map(pub.Row)
	if m.seen.Int(pub.Row) > pub.N || entry == nil {
		return true, tail{}, false
	}
	return true, decodeTail(entry), true
}

// once adds to a write that stores a publication what makes it the only one: in place of none, or of the number that was given up. at is the value that
// remembers what was allotted, as an expression.
func (e *entry) once(w *store.Write, at string) {
	w.Names["#r"] = e.pub.Row
	w.Values[":n"] = store.N(e.pub.N)
	w.Update += ", #sn.#r = :n, #sk.#r = " + at
	if e.given {
		w.If += " AND #sn.#r = :n AND #sk.#r.#n = :lost"
		w.Values[":lost"] = store.N(e.lost)
	} else {
		w.If += " AND (attribute_not_exists(#sn.#r) OR #sn.#r < :n)"
	}
}
