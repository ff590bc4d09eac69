package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"nexus/pkg/client"
)

const (
	deliveries = "topic deliveries"
	// ahead is how many publications the slowest subscriber may not have read yet before the publisher waits: far fewer than a pipe holds.
	ahead = 8
)

// publication is the message of number N, made so long after the measurement's beginning.
type publication struct {
	N  int           `json:"n"`
	At time.Duration `json:"at"`
}

// subscriber reads what is published.
type subscriber struct {
	in    *pipe
	got   atomic.Int64 // publications
	times []time.Duration
}

// audience is a topic's publisher and subscribers.
type audience struct {
	topic     string
	publisher *client.Client
	readers   []*subscriber
	start     time.Time     // publications count from here
	read      chan struct{} // has an element when somebody has read something
}

// measureDeliveries has the first session publish, and the others subscribe and read.
func (s *site) measureDeliveries(ctx context.Context, sessions []*client.Client) (_ result, err error) {
	a := &audience{topic: s.prefix + ".topic", publisher: sessions[0], start: time.Now(), read: make(chan struct{}, 1)}
	for i, c := range sessions[1:] {
		r := &subscriber{}
		a.readers = append(a.readers, r)
		if r.in, err = createPipe(ctx, c); err != nil {
			return result{}, fmt.Errorf("%s, subscriber %d: %w", deliveries, i, err)
		}
		params := struct {
			ID    string `json:"pipeid"`
			Topic string `json:"topic"`
		}{r.in.ID, a.topic}
		if err := c.Call(ctx, "topic.sub", params, nil); err != nil {
			return result{}, fmt.Errorf("%s, subscriber %d: %w", deliveries, i, err)
		}
	}
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	reading, stopReading := context.WithCancel(running)
	defer stopReading()
	during := s.window()
	var readers sync.WaitGroup
	for i, s := range a.readers {
		readers.Go(func() {
			if err := a.listen(reading, s, during); reading.Err() == nil {
				fail(fmt.Errorf("%s, subscriber %d: %w", deliveries, i, err))
			}
		})
	}
	if err := a.publish(running, during.end); err != nil && running.Err() == nil {
		fail(fmt.Errorf("%s, publisher: %w", deliveries, err))
	}
	stopReading()
	readers.Wait()
	if err := context.Cause(running); err != nil {
		return result{}, err
	}
	var times []time.Duration
	for i, s := range a.readers {
		times = append(times, s.times...)
		if err := s.in.close(ctx); err != nil {
			return result{}, fmt.Errorf("%s, end of subscriber %d: %w", deliveries, i, err)
		}
	}
	return summarize(deliveries, len(a.readers), s.last, times), nil
}

// publish publishes until the end, one after another.
func (a *audience) publish(ctx context.Context, end time.Time) error {
	for n := 0; time.Now().Before(end); n++ {
		call, stop := context.WithTimeout(ctx, stuck)
		err := a.wait(call, n-ahead)
		if err == nil {
			params := struct {
				Topic string      `json:"topic"`
				Msg   publication `json:"msg"`
			}{a.topic, publication{n, time.Since(a.start)}}
			err = a.publisher.Call(call, "topic.pub", params, nil)
		}
		stop()
		if err != nil {
			return fmt.Errorf("publication %d: %w", n, err)
		}
	}
	return nil
}

// wait waits until every subscriber has read more than n publications.
func (a *audience) wait(ctx context.Context, n int) error {
	for {
		slowest := slices.MinFunc(a.readers, func(s, t *subscriber) int { return int(s.got.Load() - t.got.Load()) })
		if int(slowest.got.Load()) > n {
			return nil
		}
		select {
		case <-a.read:
		case <-ctx.Done():
			return fmt.Errorf("a subscriber has read %d: %w", slowest.got.Load(), ctx.Err())
		}
	}
}

// listen reads a subscriber's pipe until the context ends. Every publication must come, once and in order.
func (a *audience) listen(ctx context.Context, s *subscriber, during window) error {
	for {
		messages, err := s.in.read(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		for _, text := range messages {
			var m struct{ Msg publication }
			if err := json.Unmarshal(text, &m); err != nil {
				return err
			}
			if want := int(s.got.Load()); m.Msg.N != want {
				return fmt.Errorf("publication %d came where %d should", m.Msg.N, want)
			}
			s.got.Add(1)
			if during.counts(now) {
				s.times = append(s.times, now.Sub(a.start)-m.Msg.At)
			}
		}
		select {
		case a.read <- struct{}{}:
		default:
		}
	}
}
