package pipe

import (
	"strconv"
	"time"

	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// metaRow is the sort key of a pipe's meta item. Rows of messages have digits.
const metaRow = "meta"

func metaKey(pipeid string) store.Item {
	return store.Item{"pipeid": store.S(pipeid), "row": store.S(metaRow)}
}

// meta is a pipe's state, decoded; doc.go tells what its attributes mean.
type meta struct {
	pipeid, owner          string
	length                 int64
	head                   position
	tail                   tail
	waits                  []wait
	asks                   int64
	asker                  string
	handed                 map[string]handover // who, what and was
	owed                   map[string]owed
	made                   map[string]tail
	seen, seenAt, seenFrom store.Item // sn, sk and sf
	closed                 time.Time  // zero while it is open
	closer                 string     // the request that closed it
}

// position is a place between messages: offset messages of a row are before it, and in all sum messages, of so many bytes. bytes is unknown where it is
// not of use, or not told by an item of an earlier version.
type position struct{ row, offset, sum, bytes int64 }

// unknown is a number of bytes.
const unknown = -1

// tail is where the next write goes, and what is counted.
type tail struct {
	row     int64 // the next number
	count   int64 // messages written, dropped ones included
	sum     int64 // messages accepted
	bytes   int64 // of all these
	waiting int64 // messages accepted and not read
	drops   int64
	at      time.Time // of the last allotment
}

// wait is a read that waits, or that is handed something.
type wait struct {
	token    string
	id       reference
	max      int64
	deadline time.Time
	at       time.Time
	armed    bool // a timer, or a chain of them, goes to its deadline
}

// reference is a text, or the body row that holds it.
type reference struct{ text, body string }

func (r reference) set(i store.Item, text, body string) {
	if r.body != "" {
		i[body] = store.S(r.body)
	} else if r.text != "" {
		i[text] = store.S(r.text)
	}
}

// handover is messages, or none, on their way to a read.
type handover struct {
	token string
	wait  wait
	at    time.Time
	was   tail
	taken int64 // by how much it lowered what is unread
	// One message that never was in a row, or an array of many, or else a range of rows; the range is empty where a read is answered without messages.
	message  reference
	many     bool
	from, to position
}

// direct tells whether it is of messages that never were in a row.
func (h *handover) direct() bool { return h.message != reference{} }

// owed is an `ok` that a caller may not have got.
type owed struct {
	connid string
	id     reference
	at     time.Time
}

// open tells whether there is such a pipe, and it is not closed. A meta that does not exist is nil.
func (m *meta) open() bool { return m != nil && m.closed.IsZero() }

// empty tells whether nothing is unread: no number was allotted that head has not passed.
func (m *meta) empty() bool { return m.head.row == m.tail.row }

// unread is how many bytes are, as far as is known: nothing of what an earlier version wrote.
func (m *meta) unread() int64 {
	if m.head.bytes == unknown {
		return 0
	}
	return m.tail.bytes - m.head.bytes
}

// has tells whether a read waits, or is being handed something.
func (m *meta) has(token string) bool {
	for _, w := range m.waits {
		if w.token == token {
			return true
		}
	}
	for _, h := range m.handed {
		if h.wait.token == token {
			return true
		}
	}
	return false
}

func decode(i store.Item) *meta {
	if i == nil {
		return nil
	}
	m := &meta{pipeid: i.Str("pipeid"), owner: i.Str("owner"), length: i.Int("len"), head: decodePosition(i.Map("head")),
		tail: decodeTail(i.Map("tail")), asks: i.Int("asks"), asker: i.Str("asker"), handed: map[string]handover{}, owed: map[string]owed{},
		made: map[string]tail{}, seen: i.Map("sn"), seenAt: i.Map("sk"), seenFrom: i.Map("sf"), closed: i.Time("closed"), closer: i.Str("closer")}
	if list, ok := i["waits"].(*types.AttributeValueMemberL); ok {
		for _, v := range list.Value {
			m.waits = append(m.waits, decodeWait(store.Item{"": v}.Map("")))
		}
	}
	who, what, was := i.Map("who"), i.Map("what"), i.Map("was")
	for token := range who {
		w := what.Map(token)
		m.handed[token] = handover{token: token, wait: decodeWait(who.Map(token)), at: w.Time("at"), was: decodeTail(was.Map(token)),
			taken: w.Int("k"), message: reference{w.Str("m"), w.Str("mb")}, many: w.Bool("many"), from: decodePosition(w.Map("f")),
			to: decodePosition(w.Map("t"))}
	}
	owing := i.Map("owed")
	for token := range owing {
		o := owing.Map(token)
		m.owed[token] = owed{connid: o.Str("c"), id: reference{o.Str("i"), o.Str("ib")}, at: o.Time("at")}
	}
	made := i.Map("made")
	for token := range made {
		m.made[token] = decodeTail(made.Map(token))
	}
	return m
}

func decodePosition(i store.Item) position {
	return position{i.Int("n"), i.Int("o"), i.Int("s"), bytesBefore(i)}
}

// bytesBefore is how many bytes of messages are before a row, or a position, if it says so.
func bytesBefore(i store.Item) int64 {
	if !i.Has("b") {
		return unknown
	}
	return i.Int("b")
}

func (p position) attribute() types.AttributeValue {
	i := store.Item{"n": store.N(p.row), "o": store.N(p.offset), "s": store.N(p.sum)}
	if p.bytes != unknown {
		i["b"] = store.N(p.bytes)
	}
	return store.M(i)
}

// end is a position as the end of a range.
func (p position) end() position {
	p.bytes = unknown
	return p
}

func decodeTail(i store.Item) tail {
	return tail{row: i.Int("n"), count: i.Int("c"), sum: i.Int("s"), bytes: i.Int("b"), waiting: i.Int("w"), drops: i.Int("d"), at: i.Time("a")}
}

func decodeWait(i store.Item) wait {
	return wait{token: i.Str("t"), id: reference{i.Str("i"), i.Str("ib")}, max: i.Int("m"), deadline: i.Time("dl"), at: i.Time("at"),
		armed: i.Bool("armed")}
}

func (w wait) attribute() types.AttributeValue {
	i := store.Item{"t": store.S(w.token), "m": store.N(w.max), "dl": store.Millis(w.deadline), "at": store.Millis(w.at)}
	w.id.set(i, "i", "ib")
	if w.armed {
		i["armed"] = store.Bool(true)
	}
	return store.M(i)
}

// noWaits is waits where no read waits.
func noWaits() types.AttributeValue {
	return &types.AttributeValueMemberL{Value: []types.AttributeValue{}}
}

// what returns what a hand-over says of its messages.
func (h *handover) what() types.AttributeValue {
	i := store.Item{"at": store.Millis(h.at)}
	switch {
	case h.direct():
		if h.message.set(i, "m", "mb"); h.many {
			i["many"] = store.Bool(true)
		}
	case h.from != h.to:
		i["k"], i["f"], i["t"] = store.N(h.taken), h.from.end().attribute(), h.to.end().attribute()
	}
	return store.M(i)
}

func (o owed) attribute() types.AttributeValue {
	i := store.Item{"c": store.S(o.connid), "at": store.Millis(o.at)}
	o.id.set(i, "i", "ib")
	return store.M(i)
}

// waitPath returns the path of a read that waits. The expressions made with it are few, for at most 32 wait.
func waitPath(n int) string { return "#waits[" + strconv.Itoa(n) + "]" }
