package dynamo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	iteratorLife   = 15 * time.Minute
	maxRecords     = 1000 // of one GetRecords
	maxRecordBytes = 1 << 20
)

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
		if s.disabled || sh.closed() {
			numbers["EndingSequenceNumber"] = sequenceText(max(sh.last(), sh.start+1))
		}
		one := map[string]any{"ShardId": sh.id, "SequenceNumberRange": numbers}
		if sh.parent != "" {
			one["ParentShardId"] = sh.parent
		}
		shards = append(shards, one)
	}
	d["Shards"] = shards
	return map[string]any{"StreamDescription": d}, nil
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
	sh.trim(now.Add(-e.config.StreamRetention))
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
	if now.Sub(it.issued) > e.config.IteratorLife {
		return nil, nil, "", exception("ExpiredIteratorException", "The shard iterator has expired")
	}
	sh.trim(now.Add(-e.config.StreamRetention))
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
	if (s.disabled || sh.closed()) && it.next > sh.last() {
		return s, out, "", nil
	}
	it.issued = now
	return s, out, it.text(), nil
}
