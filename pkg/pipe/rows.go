package pipe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// row is an item of messages beside meta, or a plug where there will never be any.
type row struct {
	number int64
	count  int64 // of the first message
	sum    int64 // messages accepted before
	bytes  int64 // of these; unknown in a row of an earlier version
	at     time.Time
	token  string // of who put it
	plug   bool
	// One message, or, where many is set, as many as were written together: an array of them. Where body is set, one that is in that body row,
	// and length bytes long.
	text   string
	many   bool
	body   string
	length int64
}

func rowName(number int64) string { return fmt.Sprintf("%016d", number) }

func rowKey(pipeid string, number int64) store.Item {
	return store.Item{"pipeid": store.S(pipeid), "row": store.S(rowName(number))}
}

// putRow puts a row where there is none, and returns the one that is there then.
func (p *Pipes) putRow(ctx context.Context, pipeid string, r row) (there row, err error) {
	i := rowKey(pipeid, r.number)
	i["c"], i["s"], i["at"], i["t"] = store.N(r.count), store.N(r.sum), store.Millis(r.at), store.S(r.token)
	i[store.AttrExpires] = store.N(p.expiry())
	switch {
	case r.plug:
		i["plug"] = store.Bool(true)
	case r.body != "":
		i["mb"], i["ml"] = store.S(r.body), store.N(r.length)
	default:
		i["m"] = store.S(r.text)
	}
	if !r.plug {
		i["b"] = store.N(r.bytes)
	}
	if r.many {
		i["many"] = store.Bool(true)
	}
	// Key: the row of an allotted number. Condition: there is none. Effect: it is there for good: messages, or the plug that says there will be
	// none. A loser finds the other, or, by the token, that it was itself.
	_, err = p.DB.Do(ctx, store.Write{Table: store.Pipes, Item: i, If: "attribute_not_exists(#row)"})
	if old, lost := store.Lost(err); lost {
		return decodeRow(old)
	}
	return r, err
}

func decodeRow(i store.Item) (row, error) {
	number, err := strconv.ParseInt(i.Str("row"), 10, 64)
	return row{number: number, count: i.Int("c"), sum: i.Int("s"), bytes: bytesBefore(i), at: i.Time("at"), token: i.Str("t"), plug: i.Bool("plug"), text: i.Str("m"),
		many: i.Bool("many"), body: i.Str("mb"), length: i.Int("ml")}, err
}

// message is a message as a read gets it.
type message struct {
	text  json.RawMessage
	count int64
	// Until fetch has read it from a body row: that row, and its length in bytes.
	body   string
	length int64
}

// bytes is how long it is.
func (m message) bytes() int64 { return int64(len(m.text)) + m.length }

// bytesOf is how long messages are together.
func bytesOf(list []message) (n int64) {
	for _, m := range list {
		n += m.bytes()
	}
	return n
}

// size is what it takes in an answer, with the comma that follows.
func (m message) size() int {
	return len(`{"msg":,"count":},`) + len(m.text) + int(m.length) + len(strconv.FormatInt(m.count, 10))
}

func (m message) json() json.RawMessage {
	var o jsonrpc.Object
	return o.Raw("msg", m.text).Int("count", m.count).JSON()
}

// messages returns the messages of a row.
func (r row) messages() ([]message, error) {
	if r.plug {
		return nil, nil
	}
	if r.body != "" {
		return []message{{count: r.count, body: r.body, length: r.length}}, nil
	}
	texts, err := textsOf([]byte(r.text), r.many)
	if err != nil {
		return nil, fmt.Errorf("row %d of a pipe: %w", r.number, err)
	}
	return counted(texts, r.count-1), nil
}

// textsOf returns the messages of a text, which is an array of them where many is set, or else one.
func textsOf(text []byte, many bool) (texts []json.RawMessage, err error) {
	if !many {
		return []json.RawMessage{text}, nil
	}
	err = json.Unmarshal(text, &texts)
	return texts, err
}

// counted numbers messages, before which so many were written.
func counted(texts []json.RawMessage, before int64) []message {
	all := make([]message, len(texts))
	for n, text := range texts {
		all[n] = message{text: text, count: before + int64(n) + 1}
	}
	return all
}

// fetch reads the messages that are in body rows.
func (p *Pipes) fetch(ctx context.Context, list []message) error {
	var ask []store.Key
	texts := map[string]json.RawMessage{}
	for _, m := range list {
		if _, asked := texts[m.body]; m.body != "" && !asked {
			texts[m.body] = nil
			ask = append(ask, store.Key{Table: store.Bodies, Key: bodyKey(m.body)})
		}
	}
	if len(ask) == 0 {
		return nil
	}
	found, err := p.DB.GetAll(ctx, ask, "#id, #out")
	if err != nil {
		return err
	}
	for _, f := range found {
		texts[f.Item.Str("id")] = json.RawMessage(f.Item.Str("out"))
	}
	for n := range list {
		m := &list[n]
		if m.body == "" {
			continue
		}
		if texts[m.body] == nil {
			return errors.New("a body of a pipe is missing: " + m.body)
		}
		m.text, m.body, m.length = texts[m.body], "", 0
	}
	return nil
}

// span is a range of rows as it was read.
type span struct {
	from, to position
	messages []message
	// atEnd says that to.sum and to.bytes are those of the tail, and right only while no further number is allotted.
	atEnd bool
	// missing is the number that has no row, where one ended the range (-1: none did). since is when, at the latest, it was allotted.
	missing int64
	since   time.Time
}

// firstPage is how many rows a read asks for at first; what more it needs it guesses by what they were like.
const firstPage = 64

// collect reads the messages from head on: at most so many, and at most so many bytes of an answer.
func (p *Pipes) collect(ctx context.Context, m *meta, most int64, size int) (*span, error) {
	s, err := p.gather(ctx, m, most, size)
	if err != nil {
		return nil, err
	}
	return s, p.fetch(ctx, s.messages)
}

// gather is collect, without the messages in body rows.
func (p *Pipes) gather(ctx context.Context, m *meta, most int64, size int) (*span, error) {
	s := &span{from: m.head, to: m.head, missing: -1}
	limit := min(most, firstPage)
	taken, plugged := 0, false
	for s.to.row < m.tail.row {
		from := s.to.row
		items, more, err := p.DB.Query(ctx, store.Query{Table: store.Pipes, If: "#pipeid = :id AND #row BETWEEN :from AND :to", Limit: int32(limit),
			Values: store.Item{":id": store.S(m.pipeid), ":from": store.S(rowName(from)), ":to": store.S(rowName(m.tail.row - 1))}})
		if err != nil {
			return nil, err
		}
		for _, i := range items {
			r, err := decodeRow(i)
			if err != nil {
				return nil, err
			}
			if r.number != s.to.row {
				s.missing, s.since = s.to.row, r.at
				return s, nil
			}
			list, err := r.messages()
			if err != nil {
				return nil, err
			}
			bytes := bytesOf(list[:s.to.offset])
			for n := s.to.offset; n < int64(len(list)); n++ {
				if taken += list[n].size(); int64(len(s.messages)) == most || taken > size {
					return s, nil
				}
				s.messages = append(s.messages, list[n])
				s.to.offset, s.to.sum = n+1, r.sum+n+1
				if bytes += list[n].bytes(); r.bytes != unknown {
					s.to.bytes = r.bytes + bytes
				}
			}
			s.to.row, s.to.offset, plugged = r.number+1, 0, r.plug
		}
		if more == nil {
			break
		}
		if int64(len(s.messages)) == most {
			return s, nil
		}
		each := max(taken/int(s.to.row-s.from.row), 1)
		limit = min(most-int64(len(s.messages)), int64((size-taken)/each)+1)
	}
	switch {
	case s.to.row < m.tail.row:
		s.missing, s.since = s.to.row, m.tail.at
	case plugged:
		s.to.sum, s.to.bytes, s.atEnd = m.tail.sum, m.tail.bytes, true
	}
	return s, nil
}

// between reads again the messages of a range that a hand-over names.
func (p *Pipes) between(ctx context.Context, pipeid string, from, to position) ([]message, error) {
	last := to.row
	if to.offset == 0 {
		last--
	}
	q := store.Query{Table: store.Pipes, If: "#pipeid = :id AND #row BETWEEN :from AND :to",
		Values: store.Item{":id": store.S(pipeid), ":from": store.S(rowName(from.row)), ":to": store.S(rowName(last))}}
	var all []message
	for {
		items, next, err := p.DB.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, i := range items {
			r, err := decodeRow(i)
			if err != nil {
				return nil, err
			}
			list, err := r.messages()
			if err != nil {
				return nil, err
			}
			if r.number == to.row {
				list = list[:to.offset]
			}
			if r.number == from.row {
				list = list[from.offset:]
			}
			all = append(all, list...)
		}
		if next == nil {
			return all, p.fetch(ctx, all)
		}
		q.Start = next
	}
}

// plug gives up a number whose writer is dead. It tells whether there is a row now.
func (p *Pipes) plug(ctx context.Context, m *meta, s *span) (bool, error) {
	if s.missing != m.head.row || p.Now().Sub(s.since) < PlugAge {
		return false, nil
	}
	_, err := p.putRow(ctx, m.pipeid, row{number: s.missing, at: p.Now(), token: p.token(), plug: true})
	return err == nil, err
}
