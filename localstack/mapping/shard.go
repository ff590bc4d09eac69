package mapping

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"nexus/localstack/lambda"
)

// readLimit is the most records of a GetRecords call.
const readLimit = 1000

// Shard reads one shard and hands out its batches. It has no goroutine and no lock: all methods but Invoke belong to one goroutine, the scheduler's.
//
//	for {
//		batch, err := shard.Step(ctx) // reads once if nothing is due; nil where nothing is due still
//		shard.Deliver(ctx, batch)     // = Settle(batch, Invoke(ctx, batch))
//	}
//
// Between the two a scheduler may wait as long as it likes, and it may Invoke a batch more than once before it settles it: both happen on AWS.
type Shard struct {
	config    *Config
	stream    *Stream
	streamARN string
	id        string

	position types.ShardIteratorType
	since    time.Time // of position LATEST: when the first iterator was had
	last     string    // the sequence number read last, for a new iterator
	iterator *string   // nil: to be asked for
	closed   bool      // read to its end
	lanes    []*lane

	finished atomic.Bool // what Finished last said, for the StreamReader in its own goroutine
}

// ID is the shard's id.
func (s *Shard) ID() string { return s.id }

// Discarded is what OnError gets of records that were given up, or that the stream no longer had.
type Discarded struct {
	Table, Function, ShardID string
	Condition                string // RetryAttemptsExhausted, MaximumRecordAgeExceeded, or TrimmedDataAccessException: read too late
	Records                  []Record
}

func (d *Discarded) Error() string {
	return fmt.Sprintf("mapping: %s to %s: %d records of %s discarded: %s", d.Table, d.Function, len(d.Records), d.ShardID, d.Condition)
}

func newShard(c *Config, s *Stream, streamARN, id string, position types.ShardIteratorType) *Shard {
	shard := &Shard{config: c, stream: s, streamARN: streamARN, id: id, position: position}
	for range s.ParallelizationFactor {
		shard.lanes = append(shard.lanes, &lane{})
	}
	return shard
}

// Step returns a batch that is due, after reading from the stream once if there was none; nil if there is none then. The batch must be settled, or
// given back by Release, before Step returns the next one of its lane.
func (s *Shard) Step(ctx context.Context) (*Batch, error) {
	if b, _ := s.Next(); b != nil || !s.hungry() {
		return b, nil
	}
	if _, err := s.Poll(ctx); err != nil {
		return nil, err
	}
	b, _ := s.Next()
	return b, nil
}

// Next returns a batch that is due, or else when the next one will be (zero: not before a record comes or a delivery is settled).
func (s *Shard) Next() (*Batch, time.Time) {
	now := s.config.Clock.Now()
	var earliest time.Time
	for _, l := range s.lanes {
		b, at := l.next(s.stream.BatchSize, s.stream.Window, s.closed, now)
		if b != nil {
			if parts := s.stream.expire(b, now); parts[0] != b {
				l.replace(parts...)
				b, at = l.next(s.stream.BatchSize, s.stream.Window, s.closed, now)
			}
		}
		if b != nil {
			return b, time.Time{}
		}
		if !at.IsZero() && (earliest.IsZero() || at.Before(earliest)) {
			earliest = at
		}
	}
	return nil, earliest
}

// hungry says whether reading would help: a lane has nothing to retry, and none is full.
func (s *Shard) hungry() bool {
	idle := false
	for _, l := range s.lanes {
		if len(l.queue) > 0 && len(l.open) >= s.stream.BatchSize {
			return false
		}
		idle = idle || len(l.queue) == 0
	}
	return idle && !s.closed
}

// Finished says that the shard ended and everything in it was delivered or given up.
func (s *Shard) Finished() bool {
	for _, l := range s.lanes {
		if !l.empty() {
			return false
		}
	}
	s.finished.Store(s.closed)
	return s.closed
}

// Poll reads once and returns how many records came, those that the filters drop included.
func (s *Shard) Poll(ctx context.Context) (int, error) {
	if s.closed {
		return 0, nil
	}
	if s.iterator == nil {
		in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &s.streamARN, ShardId: &s.id, ShardIteratorType: s.position}
		if s.last != "" {
			in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &s.last
		}
		out, err := s.config.Streams.GetShardIterator(ctx, in)
		if err != nil {
			return 0, s.readFailed(err)
		}
		s.iterator = out.ShardIterator
		if s.position == types.ShardIteratorTypeLatest {
			s.since = s.config.Clock.Now().Truncate(time.Second)
		}
	}
	out, err := s.config.Streams.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: s.iterator, Limit: aws.Int32(readLimit)})
	if err != nil {
		return 0, s.readFailed(err)
	}
	now := s.config.Clock.Now()
	for _, r := range out.Records {
		record, err := newRecord(r, s.streamARN)
		if err != nil {
			return 0, err
		}
		pass, err := s.passes(record)
		if err != nil {
			return 0, err
		}
		if pass && !record.Created.Before(s.since) {
			s.lane(record.key).add(record, now)
		}
		s.last = record.SequenceNumber
	}
	s.iterator = out.NextShardIterator
	s.closed = s.iterator == nil
	s.Finished()
	return len(out.Records), nil
}

// readFailed finds out what an error of the stream means for the next read: an iterator lives for 15 minutes, a record for 24 hours.
func (s *Shard) readFailed(err error) error {
	var expired *types.ExpiredIteratorException
	var trimmed *types.TrimmedDataAccessException
	switch {
	case errors.As(err, &expired):
		s.iterator = nil
		if s.position == types.ShardIteratorTypeLatest { // a second one would skip what came meanwhile; what is older than since is dropped, by its second
			s.position = types.ShardIteratorTypeTrimHorizon
		}
		return nil
	case errors.As(err, &trimmed):
		s.iterator, s.last, s.position = nil, "", types.ShardIteratorTypeTrimHorizon
		s.config.OnError(&Discarded{s.stream.Table, s.stream.Function, s.id, trimmed.ErrorCode(), nil})
		return nil
	}
	return fmt.Errorf("mapping: %s: reading %s: %w", s.stream.Table, s.id, err)
}

// passes says whether one of the filters lets r through.
func (s *Shard) passes(r Record) (bool, error) {
	if len(s.stream.Filters) == 0 {
		return true, nil
	}
	event, err := decode(r.JSON)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(s.stream.Filters, func(f Filter) bool { return f.matches(event) }), nil
}

// lane is where an item's records go, always the same.
func (s *Shard) lane(key string) *lane {
	h := fnv.New32a()
	h.Write([]byte(key))
	return s.lanes[h.Sum32()%uint32(len(s.lanes))]
}

// Deliver invokes the function with a batch and settles the result. Its error says only that ctx ended; then the batch is as if it had not been
// tried.
func (s *Shard) Deliver(ctx context.Context, b *Batch) error {
	r := s.Invoke(ctx, b)
	if r.Err != nil && ctx.Err() != nil {
		s.Release(b)
		return context.Cause(ctx)
	}
	s.Settle(b, r)
	return nil
}

// Invoke delivers b once, to the function or, once it is discarded, to OnFailure. It changes nothing, so that it can be called concurrently and
// again.
func (s *Shard) Invoke(ctx context.Context, b *Batch) Result {
	if b.discarded != "" {
		return Result{Err: s.report(ctx, b)}
	}
	payload, err := b.Event()
	if err != nil {
		return Result{Err: err}
	}
	response, err := s.config.Invoke(ctx, s.stream.Function, payload)
	return Result{response, err}
}

// report sends the message about a discarded batch.
func (s *Shard) report(ctx context.Context, b *Batch) error {
	if s.stream.OnFailure == "" {
		return nil
	}
	function := lambda.FunctionARN(s.config.Region, s.config.Account, s.stream.Function)
	body, err := failureBody(b, s.config.NewID(), function, s.streamARN, s.id, s.config.Clock.Now())
	if err != nil {
		return err
	}
	_, err = s.config.SQS.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &s.stream.OnFailure, MessageBody: aws.String(string(body))})
	return err
}

// Release gives b back undelivered: it is due again.
func (s *Shard) Release(b *Batch) {
	if b.lane.delivers(b) {
		b.lane.busy = false
	}
}

// Settle decides what follows a delivery. Discarded records whose message could not be sent block the lane until it can: a shard never skips
// silently. A batch that is settled already is left alone, so that Deliver may be called again.
func (s *Shard) Settle(b *Batch, r Result) {
	if !b.lane.delivers(b) {
		return
	}
	now := s.config.Clock.Now()
	if r.Err != nil {
		s.config.OnError(fmt.Errorf("mapping: %s to %s: %w", s.stream.Table, s.stream.Function, r.Err))
	}
	switch {
	case b.discarded == "":
		b.lane.replace(s.stream.after(b, r, now)...)
	case r.Err != nil:
		again := *b
		again.notBefore = now.Add(backoff(b.refusals))
		again.refusals++
		b.lane.replace(&again)
	default:
		s.config.OnError(&Discarded{s.stream.Table, s.stream.Function, s.id, b.discarded, b.Records})
		b.lane.replace()
	}
	s.Finished()
}
