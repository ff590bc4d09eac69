package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"nexus/localstack/mapping"
	"nexus/localstack/stack"
	"nexus/pkg/nexus"
	"nexus/pkg/timer"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
)

// sources reads the streams and the queue, and keeps the watchdog's schedule: late, and now and then twice.
type sources struct {
	w       *world
	queue   *mapping.QueueReader
	streams []*mapping.StreamReader
	shards  []*mapping.Shard
	tables  map[string]bool // whose streams they are
	dirty   bool            // a table changed since the streams were read
	polling bool            // a reading of the streams is planned
	eager   bool            // the streams are read at once, so that what reads them meets handlers at work
}

func openSources(w *world) (*sources, error) {
	ctx, c := context.Background(), w.stack.Sources
	s := &sources{w: w, tables: map[string]bool{}}
	var err error
	if s.queue, err = mapping.OpenQueue(ctx, c, c.Queues[0]); err != nil {
		return nil, err
	}
	// The window is there to save reads: nothing may depend on it.
	window := []time.Duration{0, 0, 5 * time.Second, 30 * time.Second}[w.rng.IntN(4)]
	s.eager = window == 0 && w.rng.IntN(2) == 0
	for _, m := range c.Mappings {
		m.Window = min(m.Window, window)
		stream, err := mapping.OpenStream(ctx, c, m)
		if err != nil {
			return nil, err
		}
		s.streams = append(s.streams, stream)
		s.tables[strings.TrimPrefix(m.Table, stack.TablePrefix)] = true
	}
	if err := s.find(); err != nil {
		return nil, err
	}
	s.sweepAt(w.began.Add(nexus.SweepEvery))
	return s, nil
}

// find finds the shards that can be read now.
func (s *sources) find() error {
	for _, stream := range s.streams {
		shards, err := stream.Shards(context.Background())
		if err != nil {
			return err
		}
		s.shards = append(s.shards, shards...)
	}
	return nil
}

// split has shards end and others follow them.
func (s *sources) split() {
	w := s.w
	out, err := w.stack.Sources.Streams.ListStreams(context.Background(), &dynamodbstreams.ListStreamsInput{})
	if err != nil {
		w.failf("listing streams: %v", err)
		return
	}
	one := out.Streams[w.rng.IntN(len(out.Streams))]
	w.logf("the shards of %s end", *one.TableName)
	if err := w.stack.Engine.Split(*one.StreamArn, 1+w.rng.IntN(2)); err != nil {
		w.failf("splitting shards: %v", err)
	}
}

// lateness is what the seed adds to a time.
func (s *sources) lateness() time.Duration {
	return time.Duration(1 + s.w.rng.Int64N(int64(s.w.weather.late)))
}

func (s *sources) soon(d time.Duration, f func()) { s.w.agenda.add(time.Now().Add(d), f) }

// sent plans a reading of the queue for each message sent.
func (s *sources) sent(r *request) {
	for _, m := range wakes(r) {
		s.w.logf("wake %s %s in %v", m.Kind, strings.Join(m.Key, " "), m.After)
		s.soon(m.After+s.lateness(), s.pollQueue)
	}
}

func (s *sources) pollQueue() {
	ctx, w := context.Background(), s.w
	b, err := s.queue.Step(ctx)
	if err != nil {
		w.failf("reading the queue: %v", err)
		return
	}
	if b == nil {
		return
	}
	// There may be more, and what fails is seen again after its visibility timeout.
	s.soon(time.Millisecond, s.pollQueue)
	s.soon(nexus.TimerVisibility+s.lateness(), s.pollQueue)
	s.deliver("queue", func() mapping.Result { return s.queue.Invoke(ctx, b) }, func(r mapping.Result) { s.queue.Settle(ctx, b, r) })
}

// deliver invokes once, or twice at the same time; what the first comes to is what counts.
func (s *sources) deliver(what string, invoke func() mapping.Result, settle func(mapping.Result)) {
	settled := false
	once := func(again string) {
		s.w.because("%s%s", what, again)
		go func() {
			r := invoke()
			s.w.leave(func() {
				if !settled {
					settled = true
					settle(r)
				}
			})
		}()
	}
	once("")
	if s.w.rng.IntN(8) == 0 {
		s.soon(time.Duration(1+s.w.rng.Int64N(int64(50*time.Millisecond))), func() { once(" again") })
	}
}

// changed is told of every write to a table.
func (s *sources) changed(table string) {
	if !s.tables[table] {
		return
	}
	s.read()
}

// read plans a reading of the streams.
func (s *sources) read() {
	s.dirty = true
	if !s.polling {
		s.polling = true
		after := time.Second + s.lateness()
		if s.eager {
			after = time.Duration(1 + s.w.rng.Int64N(int64(20*time.Millisecond)))
		}
		s.soon(after, s.pollStreams)
	}
}

func (s *sources) pollStreams() {
	s.polling = false
	s.found()
	for n := 0; n < len(s.shards); n++ { // a shard that is read to its end lets its successors be found
		shard := s.shards[n]
		if s.dirty && !shard.Finished() {
			s.poll(shard)
		}
		s.soon(time.Duration(n), func() { s.drain(shard) })
	}
	s.dirty = false
}

// found finds shards.
func (s *sources) found() {
	if err := s.find(); err != nil {
		s.w.failf("finding shards: %v", err)
	}
}

// poll reads a shard, again where its iterator had expired or its records were trimmed.
func (s *sources) poll(shard *mapping.Shard) {
	for range 2 {
		n, err := shard.Poll(context.Background())
		if err != nil {
			s.w.failf("reading the stream: %v", err)
		}
		if n > 0 || !s.w.small && s.w.downUntil.IsZero() { // iterators expire in an outage too
			break
		}
	}
	if shard.Finished() {
		s.found()
	}
}

// drain delivers one batch that is due of a shard and plans the rest: two that are delivered at once would begin in any order.
func (s *sources) drain(shard *mapping.Shard) {
	b, at := shard.Next()
	if b != nil {
		s.soon(1, func() { s.drain(shard) }) // another lane's
		ctx := context.Background()
		s.deliver("stream", func() mapping.Result { return shard.Invoke(ctx, b) }, func(r mapping.Result) {
			shard.Settle(b, r)
			s.drain(shard)
			if shard.Finished() {
				s.read()
			}
		})
		return
	}
	if !at.IsZero() {
		s.w.agenda.add(at.Add(time.Duration(1+s.w.rng.Int64N(int64(100*time.Millisecond)))), func() { s.drain(shard) })
	}
}

// sweepAt fires the watchdog's schedule, every minute on the minute.
func (s *sources) sweepAt(at time.Time) {
	s.w.agenda.add(at, func() {
		s.sweepAt(at.Add(nexus.SweepEvery))
		s.sweep(at, 0)
	})
}

// sweep invokes as EventBridge does: asynchronously, with two retries.
func (s *sources) sweep(at time.Time, attempt int) {
	payload, err := mapping.ScheduledEvent(fmt.Sprintf("sweep-%d", at.Unix()), stack.Account, stack.Region, "watchdog", at)
	if err != nil {
		s.w.failf("scheduled event: %v", err)
		return
	}
	s.w.because("sweep")
	go func() {
		if _, err := s.w.stack.Invoke(context.Background(), nexus.FunctionTimer, payload); err != nil && attempt < 2 {
			s.w.leave(func() {
				s.soon(time.Duration(attempt+1)*time.Minute, func() { s.sweep(at, attempt+1) })
			})
		}
	}()
}

// wake has the timer function told something as if the queue had said it.
func (s *sources) wake(w timer.Wake) {
	body, err := json.Marshal(w)
	if err != nil {
		s.w.failf("wake: %v", err)
		return
	}
	payload, err := json.Marshal(map[string]any{"Records": []map[string]string{{"messageId": "m", "body": string(body)}}})
	if err != nil {
		s.w.failf("wake: %v", err)
		return
	}
	s.w.because("%s", w.Kind)
	go func() { _, _ = s.w.stack.Invoke(context.Background(), nexus.FunctionTimer, payload) }() // who asks hears nothing
}
