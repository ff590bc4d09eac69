package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"nexus/pkg/client"
)

const (
	maxPairs = 1000
	// userPairs is how many pairs share one user. A user has at most 50 sessions: two of each pair, one that is measured logging in, and those that
	// have closed and are about to be noticed.
	userPairs = 10
	// stuck is when a single call is given up and with it the measurement.
	stuck = 30 * time.Second
)

// bench measures a bus.
type bench struct {
	// bus returns the URL of the bus for the next measurement, and what is to be done after it.
	bus        func(context.Context) (url string, done func(), err error)
	user, pass string
	warm, last time.Duration
	only       *regexp.Regexp // matched by the names of the scenarios to run
	http       *http.Client   // for the handshakes; nil is the default
}

// site is one bus under measurement.
type site struct {
	*bench
	url    string
	prefix string // of all names used
	pairs  []pair
}

// pair is two sessions, and the user whose they are.
type pair struct {
	pusher, worker *client.Client
	user, pass     string
}

// run measures each scenario at each number of pairs, and deliveries at each number of subscribers.
func (b *bench) run(ctx context.Context, counts, subscribers []int) (results []result, err error) {
	measure := func(name string, pairs int, how func(*site) (result, error)) {
		if err != nil || !b.only.MatchString(name) {
			return
		}
		var r result
		if r, err = b.at(ctx, pairs, how); err == nil {
			results = append(results, r)
		}
	}
	for _, n := range counts {
		for _, s := range scenarios() {
			measure(s.name, n, func(at *site) (result, error) { return at.measure(ctx, s) })
		}
	}
	for _, n := range subscribers {
		measure(deliveries, n/2+1, func(at *site) (result, error) { return at.measureDeliveries(ctx, sessions(at.pairs)[:n+1]) })
	}
	return results, err
}

// at measures something on a bus, with so many pairs.
func (b *bench) at(ctx context.Context, pairs int, measure func(*site) (result, error)) (result, error) {
	url, done, err := b.bus(ctx)
	if err != nil {
		return result{}, err
	}
	defer done()
	s := &site{bench: b, url: url, prefix: "bench" + strings.ToLower(rand.Text()[:12])}
	admin, err := s.dial(ctx)
	if err != nil {
		return result{}, err
	}
	defer admin.Close()
	if _, err := admin.Login(ctx, b.user, b.pass); err != nil {
		return result{}, fmt.Errorf("login as %s: %w", b.user, err)
	}
	cleanup, err := s.open(ctx, admin, pairs)
	defer cleanup()
	if err != nil {
		return result{}, err
	}
	return measure(s)
}

// sessions returns all sessions of some pairs.
func sessions(pairs []pair) []*client.Client {
	var all []*client.Client
	for _, p := range pairs {
		all = append(all, p.pusher, p.worker)
	}
	return all
}

func (s *site) dial(ctx context.Context) (*client.Client, error) {
	return client.Dial(ctx, s.url, &client.Options{HTTPClient: s.http, KeepAlive: -1})
}

// open opens n pairs of sessions that may do everything below the prefix. cleanup closes them and deletes their users, also after an error.
func (s *site) open(ctx context.Context, admin *client.Client, n int) (cleanup func(), err error) {
	type user struct {
		User   string         `json:"user"`
		Pass   string         `json:"pass,omitempty"`
		Prefix string         `json:"prefix,omitempty"`
		Tags   map[string]any `json:"tags,omitempty"`
	}
	var users []string
	cleanup = func() {
		for _, p := range s.pairs {
			_ = p.pusher.Close() // the measurement is over, whatever this one says
			_ = p.worker.Close()
		}
		for _, name := range users {
			_ = admin.Call(context.WithoutCancel(ctx), "user.delete", user{User: name}, nil)
		}
	}
	pass := rand.Text()
	session := func(name string) (*client.Client, error) {
		c, err := s.dial(ctx)
		if err != nil {
			return nil, err
		}
		if _, err := c.Login(ctx, name, pass); err != nil {
			return nil, errors.Join(fmt.Errorf("login as %s: %w", name, err), c.Close())
		}
		return c, nil
	}
	for i := range n {
		if i%userPairs == 0 {
			name := s.prefix + "-" + strconv.Itoa(len(users))
			if err := admin.Call(ctx, "user.create", user{User: name, Pass: pass}, nil); err != nil {
				return cleanup, fmt.Errorf("user.create: %w", err)
			}
			users = append(users, name)
			err := admin.Call(ctx, "user.setTags", user{User: name, Prefix: s.prefix, Tags: map[string]any{"@admin": true}}, nil)
			if err != nil {
				return cleanup, fmt.Errorf("user.setTags: %w", err)
			}
		}
		name := users[len(users)-1]
		pusher, err := session(name)
		if err != nil {
			return cleanup, err
		}
		worker, err := session(name)
		if err != nil {
			return cleanup, errors.Join(err, pusher.Close())
		}
		s.pairs = append(s.pairs, pair{pusher, worker, name, pass})
	}
	return cleanup, nil
}

// window is when a measurement counts: between warm-up and end.
type window struct{ begin, end time.Time }

func (b *bench) window() window {
	begin := time.Now().Add(b.warm)
	return window{begin, begin.Add(b.last)}
}

func (w window) counts(t time.Time) bool { return t.After(w.begin) && !t.After(w.end) }

// measure runs a scenario on all pairs at once and counts what ends within the window.
func (s *site) measure(ctx context.Context, does scenario) (_ result, err error) {
	works := make([]work, len(s.pairs))
	for i, p := range s.pairs {
		if works[i], err = does.prepare(ctx, s, i, p); err != nil {
			return result{}, fmt.Errorf("%s, pair %d: %w", does.name, i, err)
		}
	}
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	helping, stopHelping := context.WithCancel(running)
	defer stopHelping()
	var helpers, loops sync.WaitGroup
	during := s.window()
	times := make([][]time.Duration, len(s.pairs))
	for i, w := range works {
		if w.helper != nil {
			helpers.Go(func() {
				if err := w.helper(helping); helping.Err() == nil {
					fail(fmt.Errorf("%s, worker %d: %w", does.name, i, err))
				}
			})
		}
		loops.Go(func() {
			for start := time.Now(); start.Before(during.end) && running.Err() == nil; {
				call, stop := context.WithTimeout(running, stuck)
				err := w.once(call)
				stop()
				if err != nil {
					fail(fmt.Errorf("%s, pair %d: %w", does.name, i, err))
					return
				}
				now := time.Now()
				if during.counts(now) {
					times[i] = append(times[i], now.Sub(start))
				}
				start = now
			}
		})
	}
	loops.Wait()
	stopHelping()
	helpers.Wait()
	if err := context.Cause(running); err != nil {
		return result{}, err
	}
	for i, w := range works {
		if w.end == nil {
			continue
		}
		if err := w.end(ctx); err != nil {
			return result{}, fmt.Errorf("%s, end of pair %d: %w", does.name, i, err)
		}
	}
	return summarize(does.name, len(s.pairs), s.last, slices.Concat(times...)), nil
}
