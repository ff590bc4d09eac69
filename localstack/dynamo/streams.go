package dynamo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	streamRetention = 24 * time.Hour
	iteratorLife    = 15 * time.Minute
	maxRecords      = 1000 // of one GetRecords
	maxRecordBytes  = 1 << 20
)

var viewTypes = []string{"KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"}

// stream is a table's stream. It outlives its table.
type stream struct {
	arn, label, table string
	viewType          string
	keySchema         []keySchemaElement
	created           time.Time
	shards            []*shard
	disabled          bool
}

// shard holds the records of some of the partition keys, oldest first.
type shard struct {
	id      string
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
		s.shards = append(s.shards, &shard{id: fmt.Sprintf("shardId-%020d-%08x", now.UnixMilli(), i), start: e.sequence, trimmed: e.sequence})
	}
	e.streams = append(e.streams, s)
	return s
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
	sh := s.shards[some.hash%uint64(len(s.shards))]
	sh.trim(now)
	sh.records = append(sh.records, r)
	for _, w := range e.watchers[s.arn] {
		if !slices.Contains(e.wake, w) {
			e.wake = append(e.wake, w)
		}
	}
}

// trim drops the records that are past their retention.
func (s *shard) trim(now time.Time) {
	n := 0
	for n < len(s.records) && now.Sub(s.records[n].at) >= streamRetention {
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

type listStreamsRequest struct {
	TableName               string
	ExclusiveStartStreamArn string
	Limit                   *int
}

func listStreams(e *Engine, q *listStreamsRequest) (any, error) {
	limit := 100
	if q.Limit != nil {
		if limit = *q.Limit; limit < 1 || limit > 100 {
			return nil, validation("1 validation error detected: Value at 'limit' failed to satisfy constraint: between 1 and 100")
		}
	}
	type summary struct{ StreamArn, StreamLabel, TableName string }
	out := map[string]any{}
	list := []summary{}
	skip := q.ExclusiveStartStreamArn != ""
	for _, s := range e.streams {
		switch {
		case skip:
			skip = s.arn != q.ExclusiveStartStreamArn
		case q.TableName != "" && q.TableName != s.table:
		case len(list) == limit:
			out["LastEvaluatedStreamArn"] = list[limit-1].StreamArn
		default:
			list = append(list, summary{s.arn, s.label, s.table})
		}
	}
	out["Streams"] = list
	return out, nil
}

type describeStreamRequest struct {
	StreamArn             string
	ExclusiveStartShardID string `json:"ExclusiveStartShardId"`
	Limit                 *int
}

func describeStream(e *Engine, q *describeStreamRequest) (any, error) {
	s, err := e.streamOf(q.StreamArn)
	if err != nil {
		return nil, err
	}
	limit := 100
	if q.Limit != nil {
		if limit = *q.Limit; limit < 1 || limit > 100 {
			return nil, validation("1 validation error detected: Value at 'limit' failed to satisfy constraint: between 1 and 100")
		}
	}
	status := "ENABLED"
	if s.disabled {
		status = "DISABLED"
	}
	shards := []map[string]any{}
	d := map[string]any{"StreamArn": s.arn, "StreamLabel": s.label, "StreamStatus": status, "StreamViewType": s.viewType,
		"CreationRequestDateTime": epoch(s.created), "TableName": s.table, "KeySchema": s.keySchema}
	for _, sh := range s.shards {
		if sh.id <= q.ExclusiveStartShardID {
			continue
		}
		if len(shards) == limit {
			d["LastEvaluatedShardId"] = shards[limit-1]["ShardId"]
			break
		}
		numbers := map[string]string{"StartingSequenceNumber": sequenceText(sh.start + 1)}
		if s.disabled {
			numbers["EndingSequenceNumber"] = sequenceText(max(sh.last(), sh.start+1))
		}
		shards = append(shards, map[string]any{"ShardId": sh.id, "SequenceNumberRange": numbers})
	}
	d["Shards"] = shards
	return map[string]any{"StreamDescription": d}, nil
}

// last is the sequence number of the shard's newest record, present or trimmed.
func (s *shard) last() uint64 {
	if n := len(s.records); n > 0 {
		return s.records[n-1].sequence
	}
	return s.trimmed
}

type shardIteratorRequest struct {
	StreamArn         string
	ShardID           string `json:"ShardId"`
	ShardIteratorType string
	SequenceNumber    string
}

func getShardIterator(e *Engine, q *shardIteratorRequest) (any, error) {
	s, err := e.streamOf(q.StreamArn)
	if err != nil {
		return nil, err
	}
	sh, err := s.shard(q.ShardID)
	if err != nil {
		return nil, err
	}
	now := e.clock.Now()
	sh.trim(now)
	it := iterator{arn: s.arn, shard: sh.id, issued: now}
	bySequence := strings.HasSuffix(q.ShardIteratorType, "_SEQUENCE_NUMBER")
	if bySequence != (q.SequenceNumber != "") {
		return nil, validation("SequenceNumber must be given with AT_SEQUENCE_NUMBER and AFTER_SEQUENCE_NUMBER, and only there")
	}
	if bySequence {
		n, ok := parseSequence(q.SequenceNumber)
		if !ok || n > e.sequence {
			return nil, validationf("Invalid SequenceNumber: %s", q.SequenceNumber)
		}
		if it.next = n; q.ShardIteratorType == "AFTER_SEQUENCE_NUMBER" {
			it.next++
		}
		if it.next <= sh.trimmed && sh.trimmed > sh.start {
			return nil, trimmed()
		}
	}
	switch q.ShardIteratorType {
	case "TRIM_HORIZON":
		it.next = sh.trimmed + 1
	case "LATEST":
		it.next = e.sequence + 1
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
	default:
		return nil, validationf("1 validation error detected: Value %q at 'shardIteratorType' failed to satisfy constraint", q.ShardIteratorType)
	}
	return map[string]string{"ShardIterator": it.text()}, nil
}

func trimmed() error {
	return exception("TrimmedDataAccessException", "The operation attempted to read past the oldest stream record in a shard")
}

// iterator is a place in a shard, as clients carry it.
type iterator struct {
	arn, shard string
	next       uint64 // the least sequence number to read
	issued     time.Time
}

func (it iterator) text() string {
	return fmt.Sprintf("%s|%s|%d|%d", it.arn, it.shard, it.next, it.issued.UnixNano())
}

func parseIterator(text string) (iterator, error) {
	invalid := validation("Invalid ShardIterator")
	parts := strings.Split(text, "|")
	if len(parts) != 4 {
		return iterator{}, invalid
	}
	next, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil {
		return iterator{}, invalid
	}
	issued, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return iterator{}, invalid
	}
	return iterator{parts[0], parts[1], next, time.Unix(0, issued)}, nil
}

func getRecords(e *Engine, body []byte) ([]byte, error) {
	text, limit := "", maxRecords
	r := &reader{buf: body}
	r.request(func(name string) bool {
		switch name {
		case "ShardIterator":
			text = r.text()
		case "Limit":
			if limit = r.int(); limit < 1 || limit > maxRecords {
				r.fail(validation("1 validation error detected: Value at 'limit' failed to satisfy constraint: between 1 and 1000"))
			}
		default:
			return false
		}
		return true
	})
	if err := r.end(); err != nil {
		return nil, err
	}
	it, err := parseIterator(text)
	if err != nil {
		return nil, err
	}
	s, records, next, err := e.records(it, limit)
	if err != nil {
		return nil, err
	}
	var out writer
	out.openObject()
	out.key("Records")
	out.openArray()
	for _, rec := range records {
		rec.write(&out, e.config.Region, s.viewType)
	}
	out.closeArray()
	if next != "" {
		out.key("NextShardIterator")
		out.text(next)
	}
	out.closeObject()
	return out.buf, nil
}

// records reads from an iterator on; next is "" at the end of a shard that is closed.
func (e *Engine) records(it iterator, limit int) (s *stream, out []*record, next string, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if s, err = e.streamOf(it.arn); err != nil {
		return nil, nil, "", err
	}
	sh, err := s.shard(it.shard)
	if err != nil {
		return nil, nil, "", err
	}
	now := e.clock.Now()
	if now.Sub(it.issued) > iteratorLife {
		return nil, nil, "", exception("ExpiredIteratorException", "The shard iterator has expired")
	}
	sh.trim(now)
	if it.next <= sh.trimmed && sh.trimmed > sh.start {
		return nil, nil, "", trimmed()
	}
	from, _ := slices.BinarySearchFunc(sh.records, it.next, func(r *record, n uint64) int {
		if r.sequence < n {
			return -1
		}
		return 1
	})
	size := 0
	for _, r := range sh.records[from:] {
		if size += r.size; len(out) == limit || len(out) > 0 && size > maxRecordBytes {
			break
		}
		out = append(out, r)
		it.next = r.sequence + 1
	}
	if s.disabled && it.next > sh.last() {
		return s, out, "", nil
	}
	it.issued = now
	return s, out, it.text(), nil
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
