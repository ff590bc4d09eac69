package dynamo

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

var viewTypes = []string{"KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"}

// stream is a table's stream. It outlives its table.
type stream struct {
	arn, label, table string
	viewType          string
	keySchema         []keySchemaElement
	created           time.Time
	shards            []*shard // in the order in which they began
	roots             int      // how many of them, the first ones, the stream began with
	disabled          bool
}

// shard holds the records of some of the partition keys, oldest first. One that is closed gets no more: those that follow it do.
type shard struct {
	id      string
	parent  string
	next    []*shard
	start   uint64 // records have sequence numbers above it
	trimmed uint64 // the last sequence number that was trimmed
	records []*record
}

// record is one change of one item.
type record struct {
	sequence uint64
	at       time.Time
	event    string // INSERT, MODIFY or REMOVE
	keys     item
	old, new item // as the view type has them
	size     int
	expired  bool // deleted by TTL
}

// watcher is a function that waits for records.
type watcher struct{ call func() }

// Notify calls f after each write, or group of writes, that left records in the stream with that ARN: once the engine's lock is released, in
// the goroutine of the request or of the TTL sweep. f must not block; it may call the engine. stop ends it.
func (e *Engine) Notify(streamArn string, f func()) (stop func()) {
	w := &watcher{f}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.watchers[streamArn] = append(e.watchers[streamArn], w)
	return func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.watchers[streamArn] = slices.DeleteFunc(slices.Clone(e.watchers[streamArn]), func(x *watcher) bool { return x == w })
	}
}

func (e *Engine) openStream(t *table, viewType string, now time.Time) *stream {
	s := &stream{label: now.UTC().Format("2006-01-02T15:04:05.000"), table: t.name, viewType: viewType, keySchema: t.description.KeySchema, created: now}
	s.arn = t.description.TableArn + "/stream/" + s.label
	for n := 1; slices.ContainsFunc(e.streams, func(x *stream) bool { return x.arn == s.arn }); n++ { // a table recreated within the millisecond
		s.label = now.Add(time.Duration(n) * time.Millisecond).UTC().Format("2006-01-02T15:04:05.000")
		s.arn = t.description.TableArn + "/stream/" + s.label
	}
	for i := range e.config.Shards {
		s.shards = append(s.shards, newShard(now, i, "", e.sequence))
	}
	s.roots = len(s.shards)
	e.streams = append(e.streams, s)
	return s
}

// newShard returns the nth shard of a stream, whose records come behind a sequence number.
func newShard(now time.Time, n int, parent string, sequence uint64) *shard {
	return &shard{id: fmt.Sprintf("shardId-%020d-%08x", now.UnixMilli(), n), parent: parent, start: sequence, trimmed: sequence}
}

// Split closes each open shard of the stream with that ARN and has a number of new ones follow it: two where a table outgrows it, one when it was written to
// for some hours, as on AWS.
func (e *Engine) Split(streamArn string, into int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, err := e.streamOf(streamArn)
	if err != nil {
		return err
	}
	now := e.clock.Now()
	for _, sh := range slices.Clone(s.shards) {
		if sh.closed() {
			continue
		}
		for range max(into, 1) {
			child := newShard(now, len(s.shards), sh.id, e.sequence)
			sh.next = append(sh.next, child)
			s.shards = append(s.shards, child)
		}
	}
	return nil
}

func (s *shard) closed() bool { return len(s.next) > 0 }

// of returns the open shard of the partition keys of a hash.
func (s *stream) of(hash uint64) *shard {
	sh := s.shards[hash%uint64(s.roots)]
	for hash /= uint64(s.roots); sh.closed(); {
		n := uint64(len(sh.next))
		sh, hash = sh.next[hash%n], hash/n
	}
	return sh
}

// record appends the record of a change to the table's stream.
func (e *Engine) record(t *table, old, new *entry, expired bool, now time.Time) {
	s := t.stream
	e.sequence++
	r := &record{sequence: e.sequence, at: now, event: "MODIFY", expired: expired}
	some := new
	switch {
	case old == nil:
		r.event = "INSERT"
	case new == nil:
		r.event = "REMOVE"
		some = old
	}
	r.keys = some.item.only(t.keys)
	r.size = r.keys.size()
	if new != nil && (s.viewType == "NEW_IMAGE" || s.viewType == "NEW_AND_OLD_IMAGES") {
		r.new = new.item
		r.size += new.size
	}
	if old != nil && (s.viewType == "OLD_IMAGE" || s.viewType == "NEW_AND_OLD_IMAGES") {
		r.old = old.item
		r.size += old.size
	}
	sh := s.of(some.hash)
	sh.trim(now.Add(-e.config.StreamRetention))
	sh.records = append(sh.records, r)
	for _, w := range e.watchers[s.arn] {
		if !slices.Contains(e.wake, w) {
			e.wake = append(e.wake, w)
		}
	}
}

// trim drops the records that are as old as the horizon.
func (s *shard) trim(horizon time.Time) {
	n := 0
	for n < len(s.records) && !s.records[n].at.After(horizon) {
		s.trimmed = s.records[n].sequence
		n++
	}
	s.records = s.records[n:]
}

// sequenceText writes a sequence number; all have one length, so that their texts sort as they do.
func sequenceText(n uint64) string { return fmt.Sprintf("1%020d", n) }

func parseSequence(s string) (uint64, bool) {
	if len(s) != 21 || s[0] != '1' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:], 10, 64)
	return n, err == nil
}

func (e *Engine) streamOf(arn string) (*stream, error) {
	for _, s := range e.streams {
		if s.arn == arn {
			return s, nil
		}
	}
	return nil, exception("ResourceNotFoundException", "Requested resource not found: Stream: %s not found", arn)
}

func (s *stream) shard(id string) (*shard, error) {
	for _, sh := range s.shards {
		if sh.id == id {
			return sh, nil
		}
	}
	return nil, exception("ResourceNotFoundException", "Requested resource not found: Shard: %s in Stream: %s not found", id, s.arn)
}

// last is the sequence number of the shard's newest record, present or trimmed.
func (s *shard) last() uint64 {
	if n := len(s.records); n > 0 {
		return s.records[n-1].sequence
	}
	return s.trimmed
}

// write appends the record as GetRecords returns it.
func (r *record) write(w *writer, region, viewType string) {
	w.openObject()
	w.key("eventID")
	w.text(fmt.Sprintf("%032x", r.sequence))
	w.key("eventName")
	w.text(r.event)
	w.key("eventVersion")
	w.text("1.1")
	w.key("eventSource")
	w.text("aws:dynamodb")
	w.key("awsRegion")
	w.text(region)
	if r.expired {
		w.key("userIdentity")
		w.openObject()
		w.key("PrincipalId")
		w.text("dynamodb.amazonaws.com")
		w.key("Type")
		w.text("Service")
		w.closeObject()
	}
	w.key("dynamodb")
	w.openObject()
	w.key("ApproximateCreationDateTime")
	w.int(int(r.at.Unix()))
	w.key("Keys")
	w.item(r.keys)
	if r.new != nil {
		w.key("NewImage")
		w.item(r.new)
	}
	if r.old != nil {
		w.key("OldImage")
		w.item(r.old)
	}
	w.key("SequenceNumber")
	w.text(sequenceText(r.sequence))
	w.key("SizeBytes")
	w.int(r.size)
	w.key("StreamViewType")
	w.text(viewType)
	w.closeObject()
	w.closeObject()
}
