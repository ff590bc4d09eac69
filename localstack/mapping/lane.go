package mapping

import (
	"encoding/json"
	"time"
)

// maxPayload is the most bytes of records that a batch holds: Lambda's limit of 6 MB for a payload, less the event around them.
const maxPayload = 6<<20 - 1024

// Batch is records that go, or went, to the function together.
type Batch struct {
	Records []Record

	lane      *lane
	notBefore time.Time // zero: now
	invokes   int       // that were answered
	retries   int       // of them that count against MaximumRetryAttempts
	refusals  int       // that never reached the function
	discarded string    // why, once it is given up: then what is delivered is the message to OnFailure
}

// Event is the payload of the invocation.
func (b *Batch) Event() ([]byte, error) {
	records := make([]json.RawMessage, len(b.Records))
	for i, r := range b.Records {
		records[i] = r.JSON
	}
	return json.Marshal(struct{ Records []json.RawMessage }{records})
}

// lane is a sequence of batches of which one at a time is with the function. A shard has as many as its ParallelizationFactor.
type lane struct {
	queue []*Batch // first the one that is next; those behind it are halves and rests of batches that failed
	busy  bool     // the first of queue is being delivered

	open  []Record // read, and in no batch yet
	bytes int      // of open
	since time.Time
}

// add puts a record behind the others. The window of a batch begins with its first record.
func (l *lane) add(r Record, now time.Time) {
	if len(l.open) == 0 {
		l.since = now
	}
	l.open = append(l.open, r)
	l.bytes += len(r.JSON)
}

// next returns the batch to deliver now, or else when to ask again (zero: when a record comes or a delivery ends).
func (l *lane) next(size int, window time.Duration, end bool, now time.Time) (*Batch, time.Time) {
	if l.busy {
		return nil, time.Time{}
	}
	if len(l.queue) == 0 {
		if len(l.open) == 0 {
			return nil, time.Time{}
		}
		closes := l.since.Add(window)
		if len(l.open) < size && l.bytes < maxPayload && now.Before(closes) && !end {
			return nil, closes
		}
		l.queue = []*Batch{l.cut(size, now)}
	}
	b := l.queue[0]
	if now.Before(b.notBefore) {
		return nil, b.notBefore
	}
	l.busy = true
	return b, time.Time{}
}

// cut takes a batch from open: as many records as fit, at least one. What stays opens a new window.
func (l *lane) cut(size int, now time.Time) *Batch {
	n, bytes := 0, 0
	for n < len(l.open) && n < size {
		length := len(l.open[n].JSON) + 1
		if n > 0 && bytes+length > maxPayload {
			break
		}
		bytes += length
		n++
	}
	b := &Batch{Records: l.open[:n:n], lane: l}
	l.open, l.bytes, l.since = l.open[n:], 0, now
	for _, r := range l.open {
		l.bytes += len(r.JSON)
	}
	return b
}

// delivers says whether b is out for delivery.
func (l *lane) delivers(b *Batch) bool { return l.busy && l.queue[0] == b }

// replace puts batches into the place of the first one, whose delivery ended.
func (l *lane) replace(with ...*Batch) {
	l.busy = false
	for _, b := range with {
		b.lane = l
	}
	l.queue = append(with, l.queue[1:]...)
}

func (l *lane) empty() bool { return len(l.queue) == 0 && len(l.open) == 0 }
