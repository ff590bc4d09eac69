package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"nexus/pkg/client"
)

// again runs what an attacker does on a connection whose answers are thrown away, and on a new one where it was ended, until ctx ends.
func (t *target) again(ctx context.Context, what func(ctx context.Context, s *socket) error) (opened int) {
	for ; ctx.Err() == nil; opened++ {
		s, err := t.open(ctx)
		if err != nil {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		on, off := context.WithCancel(ctx)
		go func() {
			defer off()
			for {
				if _, _, err := s.Read(on); err != nil {
					return
				}
			}
		}()
		if what(on, s) == nil {
			<-on.Done()
		}
		off()
		_ = s.CloseNow()
	}
	return opened
}

// logins is finding 7's first: 400 logins of one connection at once, and pings as fast as it can; then whoever else wants to log in waits.
func logins(ctx context.Context, t *target) (got, error) {
	ping := request("p", "sys.ping", nil)
	return t.others(ctx, func(ctx context.Context) int {
		return t.again(ctx, func(ctx context.Context, s *socket) error {
			for i := range t.of(400) {
				if err := s.send(ctx, request("l", "sys.login", object{"user": fmt.Sprintf("nobody-%d", i), "pass": "wrong"})); err != nil {
					return err
				}
			}
			for ctx.Err() == nil {
				if err := s.send(ctx, ping); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	})
}

// manyLogins is the same with a connection for each login, again and again.
func manyLogins(ctx context.Context, t *target) (got, error) {
	return t.others(ctx, func(ctx context.Context) int {
		var opened atomic.Int64
		done := make(chan struct{})
		n := t.of(400)
		for range n {
			go func() {
				opened.Add(int64(t.again(ctx, func(ctx context.Context, s *socket) error {
					for ctx.Err() == nil {
						if err := s.send(ctx, request("l", "sys.login", object{"user": "root", "pass": "wrong"})); err != nil {
							return err
						}
						select {
						case <-time.After(time.Second):
						case <-ctx.Done():
						}
					}
					return ctx.Err()
				})))
				done <- struct{}{}
			}()
		}
		for range n {
			<-done
		}
		return int(opened.Load())
	})
}

// others measures another user's logins, each on a new connection, while an attacker is at work, who returns how many connections it took.
func (t *target) others(ctx context.Context, attack func(context.Context) int) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	m, err := t.make(ctx, root, nil)
	if err != nil {
		return got{}, err
	}
	attacking, stop := context.WithTimeout(ctx, t.lasting(11*time.Second))
	defer stop()
	opened := make(chan int, 1)
	go func() { opened <- attack(attacking) }()
	time.Sleep(t.lasting(time.Second))
	var slowest time.Duration
	n := 0
	for attacking.Err() == nil {
		began := time.Now()
		trying, done := context.WithTimeout(ctx, answerWithin)
		ok := t.loggedIn(trying, m)
		done()
		slowest = max(slowest, time.Since(began))
		if ok {
			n++
		}
	}
	return got{value: slowest.Seconds(), note: fmt.Sprintf("%d logins of the other's in %v; the attacker needed %d connections", n, t.lasting(10*time.Second), <-opened)}, nil
}

// loggedIn reports whether a user got in, who tries again where he is throttled.
func (t *target) loggedIn(ctx context.Context, m made) bool {
	for ctx.Err() == nil {
		s, err := t.openFrom(ctx, "")
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		a, err := insist(ctx, s, "sys.login", object{"user": m.user, "pass": m.pass})
		_ = s.CloseNow()
		return err == nil && a.Error == nil
	}
	return false
}

// pings is finding 7's second: what pings of one connection, as fast as they go, do to another's.
func pings(ctx context.Context, t *target) (got, error) {
	other, err := t.openFrom(ctx, "")
	if err != nil {
		return got{}, err
	}
	defer other.CloseNow()
	if _, err := other.call(ctx, "login", "sys.login", object{"user": t.user, "pass": t.pass}); err != nil {
		return got{}, err
	}
	attacking, stop := context.WithTimeout(ctx, t.lasting(7*time.Second))
	defer stop()
	var sent atomic.Int64
	opened := make(chan int, 1)
	ping := request("p", "sys.ping", nil)
	go func() {
		opened <- t.again(attacking, func(ctx context.Context, s *socket) error {
			for ; ; sent.Add(1) {
				if err := s.send(ctx, ping); err != nil {
					return err
				}
			}
		})
	}()
	var took []time.Duration
	for attacking.Err() == nil {
		began := time.Now()
		if _, err := insist(ctx, other, "sys.ping", nil); err != nil {
			return got{}, err
		}
		took = append(took, time.Since(began))
		time.Sleep(50 * time.Millisecond)
	}
	slices.Sort(took)
	return got{value: float64(took[len(took)/2].Microseconds()) / 1000, note: fmt.Sprintf("the slowest of %d took %v; the attacker sent %d on %d connections",
		len(took), took[len(took)-1].Round(time.Millisecond), sent.Load(), <-opened)}, nil
}

// strangersPipe is finding 7's third: what somebody who has not logged in can have stored in a pipe.
func strangersPipe(ctx context.Context, t *target) (got, error) {
	c, err := t.dial(ctx, stranger)
	if err != nil {
		return got{}, err
	}
	defer c.Close()
	return t.fill(ctx, c)
}

// usersPipe is the same by a user without any tag.
func usersPipe(ctx context.Context, t *target) (got, error) {
	return t.by(ctx, nil, t.fill)
}

// by has a user do something.
func (t *target) by(ctx context.Context, may tags, what func(context.Context, *client.Client) (got, error)) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	c, _, err := t.as(ctx, root, may)
	if err != nil {
		return got{}, err
	}
	defer c.Close()
	return what(ctx, c)
}

// fill writes messages of 100 KB into pipes of 100,000, side by side, and counts in MB what was taken.
func (t *target) fill(ctx context.Context, c *client.Client) (got, error) {
	var pipe struct{ PipeID string }
	if err := c.Call(ctx, "pipe.create", object{"len": 100_000}, &pipe); err != nil {
		return got{note: fmt.Sprintf("no pipe: %d", code(err))}, nil
	}
	message := object{"pipeid": pipe.PipeID, "msg": strings.Repeat("x", 100_000)}
	taken, refused := t.repeat(ctx, 5*time.Second, func(ctx context.Context) error { return c.Call(ctx, "pipe.write", message, nil) })
	// A full pipe drops, and its writer is told ok: what it holds is what counts.
	var read struct{ Drops int }
	if err := c.Call(ctx, "pipe.read", object{"pipeid": pipe.PipeID, "max": 1, "timeout": 1}, &read); err != nil {
		return got{}, fmt.Errorf("pipe.read: %w", err)
	}
	return got{value: float64(taken-read.Drops) / 10, note: note(refused)}, nil
}

// strangersPipes counts the pipes that somebody who has not logged in gets in two seconds.
func strangersPipes(ctx context.Context, t *target) (got, error) {
	c, err := t.dial(ctx, stranger)
	if err != nil {
		return got{}, err
	}
	defer c.Close()
	return t.pipes(ctx, c)
}

// usersPipes counts those of a user without any tag.
func usersPipes(ctx context.Context, t *target) (got, error) { return t.by(ctx, nil, t.pipes) }

func (t *target) pipes(ctx context.Context, c *client.Client) (got, error) {
	made, refused := t.repeat(ctx, 2*time.Second, func(ctx context.Context) error { return c.Call(ctx, "pipe.create", nil, nil) })
	return got{value: float64(made), note: note(refused)}, nil
}

// repeat does something as often as it goes, sixteen at a time, and counts how often it was done, and what it was refused with last.
func (t *target) repeat(ctx context.Context, for_ time.Duration, do func(context.Context) error) (done int, refused error) {
	ctx, stop := context.WithTimeout(ctx, t.lasting(for_))
	defer stop()
	outcomes := make(chan error)
	one := func() {
		for ctx.Err() == nil {
			calling, called := context.WithTimeout(ctx, time.Second) // what is throttled is not answered
			err := do(calling)
			called()
			outcomes <- err
			if code(err) == 1 && !errors.Is(err, context.DeadlineExceeded) {
				break // the connection has ended
			}
			if err != nil {
				time.Sleep(time.Millisecond)
			}
		}
		outcomes <- errEnd
	}
	const side = 16
	for range side {
		go one()
	}
	for left := side; left > 0; {
		switch err := <-outcomes; {
		case err == nil:
			done++
		case errors.Is(err, errEnd):
			left--
		case !errors.Is(err, context.DeadlineExceeded):
			refused = err
		}
	}
	return done, refused
}

var errEnd = errors.New("the end")

func note(refused error) string {
	if refused == nil {
		return "nothing was refused"
	}
	return "then: " + refused.Error()
}

// loginTasks is finding 7's last: login tasks of 118 KB by a stranger, for a method that somebody serves but slowly.
func loginTasks(ctx context.Context, t *target) (got, error) {
	root, err := t.root(ctx)
	if err != nil {
		return got{}, err
	}
	defer root.Close()
	// A worker of the method who takes one task and thinks about it.
	go func() { _ = root.Call(ctx, "task.pull", object{"prefix": "sys.login.slow"}, nil) }()
	time.Sleep(200 * time.Millisecond)
	login := request("l", "sys.login", object{"method": "slow", "blob": strings.Repeat("x", 118_000)})
	attacking, stop := context.WithTimeout(ctx, t.lasting(3500*time.Millisecond))
	defer stop()
	sent := 0
	t.again(attacking, func(ctx context.Context, s *socket) error {
		for ctx.Err() == nil {
			if err := s.send(ctx, login); err != nil {
				return err
			}
			sent++
		}
		return ctx.Err()
	})
	n, err := stored(ctx, root, "sys.login.slow")
	return got{value: float64(n), note: fmt.Sprintf("of %d sent", sent)}, err
}

// large counts the calls over 4 KB before a login that are not refused as such.
func large(ctx context.Context, t *target) (got, error) {
	var let []string
	for _, method := range []string{"sys.ping", "sys.login", "task.push", "topic.pub", "no.such"} {
		for _, size := range []int{5 << 10, 100 << 10} {
			s, err := t.open(ctx)
			if err != nil {
				return got{}, err
			}
			a, err := s.call(ctx, "x", method, object{"user": "root", "pass": "wrong", "method": "a.b", "topic": "a", "msg": 1, "params": nil, "blob": strings.Repeat("x", size)})
			if err == nil && (a.Error == nil || a.Error.Code != limitExceeded) {
				let = append(let, fmt.Sprintf("%s of %d KB", method, size>>10))
			}
			_ = s.CloseNow()
		}
	}
	return got{value: float64(len(let)), note: words(let)}, nil
}

// limitExceeded is the code of Limit exceeded.
const limitExceeded = -32012

// field is a string of an object.
func field(o json.RawMessage, name string) string {
	var fields map[string]any
	_ = json.Unmarshal(o, &fields) // no object has no such field
	s, _ := fields[name].(string)
	return s
}

func pipeid(result json.RawMessage) string { return field(result, "pipeid") }
