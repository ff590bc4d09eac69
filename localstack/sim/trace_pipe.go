package sim

import (
	"slices"
	"strings"
	"time"
)

// The trace of pipes follows the item meta of each pipe, whose attributes pkg/pipe/doc.go explains.

// pipeSnap is a pipe after a write to it.
type pipeSnap struct {
	at    time.Time
	inv   *invocation
	there bool

	owner      string
	closed     bool
	head, tail int64     // row numbers
	count      int64     // messages written, dropped ones included
	unread     int64     // bytes
	waits      []waiting // in turn
	handed     []string  // JSON-RPC ids of the reads in hand-overs
	owed       []owed
}

// waiting is a read that waits.
type waiting struct {
	id       string
	deadline time.Time
}

// owed is an ok that a caller is owed.
type owed struct{ connid, id string }

// empty tells whether nothing is unread.
func (s *pipeSnap) empty() bool { return s.head == s.tail }

// open tells whether the pipe is there, and not closed.
func (s *pipeSnap) open() bool { return s.there && !s.closed }

// pipeLife is a pipe's snaps, oldest first.
type pipeLife struct {
	id    string
	owner string
	snaps []*pipeSnap
}

func (l *pipeLife) last() *pipeSnap { return l.snaps[len(l.snaps)-1] }

// metaRow is pkg/pipe's sort key of the item meta. What has another is a row of messages.
const metaRow = "meta"

// pipeWritten takes a snap of a pipe.
func (w *world) pipeWritten(r *request, key itemKey, i rawItem) {
	if key[1] != metaRow {
		return
	}
	s := &pipeSnap{at: time.Now(), inv: r.inv, there: i != nil, owner: i["owner"].S, closed: i["closed"].N != "", head: i["head"].M.int("n"), tail: i["tail"].M.int("n"),
		count: i["tail"].M.int("c"), unread: i["tail"].M.int("b") - i["head"].M.int("b")}
	for _, v := range i["waits"].L {
		s.waits = append(s.waits, waiting{v.M["i"].S, ms(v.M.int("dl"))})
	}
	for _, v := range i["who"].M {
		s.handed = append(s.handed, v.M["i"].S)
	}
	slices.Sort(s.handed)
	for _, v := range i["owed"].M {
		s.owed = append(s.owed, owed{v.M["c"].S, v.M["i"].S})
	}
	slices.SortFunc(s.owed, owed.compare)
	l := w.pipeTrace[key[0]]
	if l == nil {
		l = &pipeLife{id: key[0], owner: s.owner}
		w.pipeTrace[key[0]] = l
		w.pipeOrder = append(w.pipeOrder, l)
	}
	l.snaps = append(l.snaps, s)
	w.checkLimits(l)
	w.logf("pipe %s: there %v closed %v head %d tail %d count %d waits %v handed %v owed %v", l.id, s.there, s.closed, s.head, s.tail, s.count, s.waits, s.handed, s.owed)
}

// compare orders what is owed, which pkg/pipe keeps in a map.
func (o owed) compare(p owed) int { return strings.Compare(o.connid+" "+o.id, p.connid+" "+p.id) }
