package topic

import (
	"math"
	"slices"
	"time"

	"nexus/pkg/store"
)

// A pipe's row among a topic's subscribers says when the pipe was subscribed, by the clock of API Gateway, in whole milliseconds since 1970:
//
//	from   when it was subscribed last; absent: always (a row of an earlier version)
//	again  when it was subscribed last while it was already; absent: it was not
//	until  when that was ended; absent: it is subscribed
//	past   from and until of the times before, in turn

// keptSpans is how many times before the last a row keeps: about as many as fit one write unit.
const keptSpans = 40

// always is the end of what has none.
const always = math.MaxInt64

// span is a time during which a pipe was subscribed, with both its ends.
type span struct{ from, until int64 }

// spans is when a pipe was subscribed to one name, or to several. They may overlap.
type spans []span

// has tells whether a time is in it.
func (s spans) has(at time.Time) bool {
	ms := at.UnixMilli()
	return slices.ContainsFunc(s, func(o span) bool { return o.from <= ms && ms <= o.until })
}

// any tells whether any of some publications was made in it.
func (s spans) any(pubs []*publication) bool {
	return slices.ContainsFunc(pubs, func(p *publication) bool { return s.has(p.at) })
}

// all tells whether all of some publications were made in it.
func (s spans) all(pubs []*publication) bool {
	return !slices.ContainsFunc(pubs, func(p *publication) bool { return !s.has(p.at) })
}

// spanAttributes are those that spansOf reads, beside the key.
const spanAttributes = "#row, #from, #until, #past"

// spansOf reads a row: the last time first, which most publications are in.
func spansOf(i store.Item) spans {
	s := spans{{i.Int("from"), always}}
	if i.Has("until") {
		s[0].until = i.Int("until")
	}
	past := i.Ints("past")
	for n := 0; n+1 < len(past); n += 2 {
		s = append(s, span{past[n], past[n+1]})
	}
	return s
}

// subscription is such a row, or nil where there is none.
type subscription store.Item

func (s subscription) open() bool { return s != nil && !store.Item(s).Has("until") }

// asked is when somebody last asked for it, as far as that is kept.
func (s subscription) asked() int64 {
	return max(store.Item(s).Int("from"), store.Item(s).Int("again"))
}

// past is what the row keeps of the times before, when another one begins. Where they are too many the two oldest become one: what was published between
// them, and has not been handed out after all the changes since, is then taken for what the pipe was subscribed to.
func (s subscription) past() []int64 {
	last := spansOf(store.Item(s))
	list := append(slices.Clone(last[1:]), last[0])
	for len(list) > keptSpans {
		list[1].from = list[0].from
		list = list[1:]
	}
	numbers := make([]int64, 0, 2*len(list))
	for _, o := range list {
		numbers = append(numbers, o.from, o.until)
	}
	return numbers
}
