package mapping

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"nexus/localstack/clock"
)

// Runner runs the mappings of a Config.
type Runner struct {
	config Config
	wait   sync.WaitGroup
}

// New checks c. The error names every mistake in it.
func New(c Config) (*Runner, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Runner{config: c}, nil
}

// Run runs until ctx ends, and then until what it started has ended; it returns nil. It fails at once where a table, its stream or a queue does not
// exist. It is to be called once.
func (r *Runner) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var streams []*StreamReader
	var queues []*QueueReader
	for i := range r.config.Mappings {
		reader, err := openStream(ctx, &r.config, &r.config.Mappings[i])
		if err != nil {
			return stopped(ctx, err)
		}
		streams = append(streams, reader)
	}
	for i := range r.config.Queues {
		reader, err := openQueue(ctx, &r.config, &r.config.Queues[i])
		if err != nil {
			return stopped(ctx, err)
		}
		queues = append(queues, reader)
	}
	for _, s := range streams {
		r.wait.Go(func() { r.runStream(ctx, s) })
	}
	for _, q := range queues {
		r.wait.Go(func() { r.runQueue(ctx, q) })
	}
	for i := range r.config.Schedules {
		r.wait.Go(func() { r.runSchedule(ctx, &r.config.Schedules[i]) })
	}
	<-ctx.Done()
	r.wait.Wait()
	return nil
}

// stopped drops an error that only says that ctx ended.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// runStream starts a goroutine for each shard as it can be read.
func (r *Runner) runStream(ctx context.Context, reader *StreamReader) {
	ended := make(chan struct{})
	running := 0
	for {
		shards, err := reader.Shards(ctx)
		if err != nil {
			r.report(ctx, err)
		}
		for _, s := range shards {
			running++
			r.wait.Go(func() {
				r.runShard(ctx, s)
				select {
				case ended <- struct{}{}:
				case <-ctx.Done():
				}
			})
		}
		var again <-chan struct{}
		stop := func() bool { return false }
		switch {
		case running == 0 || err != nil:
			again, stop = after(r.config.Clock, describeInterval)
		case r.config.Wake == nil: // an engine elsewhere may add shards at any time
			again, stop = after(r.config.Clock, newShardInterval)
		}
		select {
		case <-ended:
			running--
		case <-again:
		case <-ctx.Done():
			stop()
			return
		}
		stop()
	}
}

// settling is a delivery that ended.
type settling struct {
	batch  *Batch
	result Result
}

// runShard drives a Shard: deliveries run beside it, one for each lane, and everything else happens here.
func (r *Runner) runShard(ctx context.Context, s *Shard) {
	wake, stopWake := r.wake(s.streamARN)
	defer stopWake()
	settle := make(chan settling)
	running := 0
	defer func() { // Invoke returns soon after ctx ends
		for range running {
			<-settle
		}
	}()
	readAt, dry, failures := r.config.Clock.Now(), false, 0 // dry: nothing to read before wake
	for {
		due, started := r.start(ctx, s, settle)
		running += started
		if s.Finished() {
			return
		}
		now := r.config.Clock.Now()
		hungry := s.hungry() && !dry
		if hungry && !now.Before(readAt) {
			n, err := s.Poll(ctx)
			switch {
			case ctx.Err() != nil:
				return
			case err != nil:
				r.report(ctx, err)
				readAt = now.Add(backoff(failures))
				failures++
				continue
			case wake == nil:
				readAt = now.Add(pollInterval)
			default:
				dry = n == 0 && s.iterator != nil
			}
			failures = 0
			continue
		}
		if hungry && (due.IsZero() || readAt.Before(due)) {
			due = readAt
		}
		var alarm <-chan struct{}
		stop := func() bool { return false }
		if !due.IsZero() {
			alarm, stop = after(r.config.Clock, due.Sub(now))
		}
		select {
		case d := <-settle:
			running--
			if ctx.Err() == nil {
				s.Settle(d.batch, d.result)
			}
		case <-wake:
			dry = false
		case <-alarm:
		case <-ctx.Done():
		}
		stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// start delivers all batches that are due, and returns when the next one will be, if that is known.
func (r *Runner) start(ctx context.Context, s *Shard, settle chan<- settling) (due time.Time, started int) {
	for {
		b, due := s.Next()
		if b == nil {
			return due, started
		}
		started++
		go func() { settle <- settling{b, s.Invoke(ctx, b)} }()
	}
}

// wake subscribes to a stream's writes. The channel holds one signal, so that none is lost while the shard is busy; it is nil without Config.Wake.
func (r *Runner) wake(streamARN string) (<-chan struct{}, func()) {
	if r.config.Wake == nil {
		return nil, func() {}
	}
	signal := make(chan struct{}, 1)
	return signal, r.config.Wake(streamARN, func() {
		select {
		case signal <- struct{}{}:
		default:
		}
	})
}

// runQueue receives while fewer batches than MaximumConcurrency are with the function.
func (r *Runner) runQueue(ctx context.Context, reader *QueueReader) {
	slots := make(chan struct{}, reader.queue.MaximumConcurrency)
	failures := 0
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		b := r.gather(ctx, reader, &failures)
		if b == nil {
			return
		}
		r.wait.Go(func() {
			reader.Deliver(ctx, b)
			<-slots
		})
	}
}

// gather polls until a batch is due; nil once ctx ended.
func (r *Runner) gather(ctx context.Context, reader *QueueReader, failures *int) *MessageBatch {
	for {
		b, closes := reader.Next()
		if b != nil || ctx.Err() != nil {
			return b
		}
		wait := maxPoll
		if !closes.IsZero() {
			wait = min(wait, closes.Sub(r.config.Clock.Now()))
		}
		if wait < time.Second { // shorter than a long poll can be
			r.sleep(ctx, wait)
			continue
		}
		if err := reader.Receive(ctx, wait); err != nil {
			r.report(ctx, err)
			r.sleep(ctx, backoff(*failures))
			*failures++
			continue
		}
		*failures = 0
	}
}

// runSchedule fires every so often, the first time after one period. A firing that fails is retried beside the next ones.
func (r *Runner) runSchedule(ctx context.Context, s *Schedule) {
	for at := r.config.Clock.Now().Add(s.Every); ; at = at.Add(s.Every) {
		if !r.sleep(ctx, at.Sub(r.config.Clock.Now())) {
			return
		}
		payload, err := ScheduledEvent(r.config.NewID(), r.config.Account, r.config.Region, s.Name, at)
		if err != nil {
			r.report(ctx, err)
			continue
		}
		r.wait.Go(func() { r.invokeAsync(ctx, s.Function, payload) })
	}
}

func (r *Runner) invokeAsync(ctx context.Context, function string, payload []byte) {
	for n := 0; ; n++ {
		_, err := r.config.Invoke(ctx, function, payload)
		if err == nil {
			return
		}
		r.report(ctx, fmt.Errorf("mapping: schedule to %s: %w", function, err))
		if n == len(asyncRetries) || !r.sleep(ctx, asyncRetries[n]) {
			return
		}
	}
}

// report tells OnError, unless the error only says that ctx ended.
func (r *Runner) report(ctx context.Context, err error) {
	if ctx.Err() == nil || !errors.Is(err, context.Cause(ctx)) {
		r.config.OnError(err)
	}
}

// sleep waits for d; false where ctx ended first.
func (r *Runner) sleep(ctx context.Context, d time.Duration) bool {
	over, stop := after(r.config.Clock, d)
	defer stop()
	select {
	case <-over:
		return true
	case <-ctx.Done():
		return false
	}
}

// after is a channel that is closed once d has passed.
func after(c clock.Clock, d time.Duration) (<-chan struct{}, func() bool) {
	over := make(chan struct{})
	return over, c.AfterFunc(d, func() { close(over) })
}

// counter returns ids in the form of UUIDs that count up: the same run gives the same ids.
func counter() func() string {
	var n atomic.Uint64
	return func() string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n.Add(1)) }
}
