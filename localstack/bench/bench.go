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
	url, user, pass string
	warm, last      time.Duration
	only            *regexp.Regexp // matched by the names of the scenarios to run
	http            *http.Client   // for the handshakes; nil is the default
}

// pair is two sessions, and the user whose they are.
type pair struct {
	pusher, worker *client.Client
	user, pass     string
}

// run measures each scenario at each number of pairs, and deliveries at each number of subscribers.
func (b *bench) run(ctx context.Context, counts, subscribers []int) ([]result, error) {
	admin, err := b.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	if _, err := admin.Login(ctx, b.user, b.pass); err != nil {
		return nil, fmt.Errorf("login as %s: %w", b.user, err)
	}
	prefix := "bench" + strings.ToLower(rand.Text()[:12])
	// The publisher and the subscribers are the sessions of the pairs.
	pairs, cleanup, err := b.pairs(ctx, admin, prefix, max(slices.Max(counts), slices.Max(subscribers)/2+1))
	defer cleanup()
	if err != nil {
		return nil, err
	}

	var results []result
	for _, n := range counts {
		for _, s := range b.scenarios(prefix) {
			if !b.only.MatchString(s.name) {
				continue
			}
			r, err := b.measure(ctx, s.name, pairs[:n], s.scenario)
			if err != nil {
				return nil, err
			}
			results = append(results, r)
		}
	}
	for _, n := range subscribers {
		if !b.only.MatchString(deliveries) {
			continue
		}
		r, err := b.measureDeliveries(ctx, prefix+".topic"+strconv.Itoa(n), sessions(pairs)[:n+1])
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// sessions returns all sessions of some pairs.
func sessions(pairs []pair) []*client.Client {
	var all []*client.Client
	for _, p := range pairs {
		all = append(all, p.pusher, p.worker)
	}
	return all
}

func (b *bench) dial(ctx context.Context) (*client.Client, error) {
	return client.Dial(ctx, b.url, &client.Options{HTTPClient: b.http, KeepAlive: -1})
}

// pairs opens n pairs of sessions that may do everything below prefix. cleanup closes them and deletes their users, also after an error.
func (b *bench) pairs(ctx context.Context, admin *client.Client, prefix string, n int) (pairs []pair, cleanup func(), err error) {
	type user struct {
		User   string         `json:"user"`
		Pass   string         `json:"pass,omitempty"`
		Prefix string         `json:"prefix,omitempty"`
		Tags   map[string]any `json:"tags,omitempty"`
	}
	var users []string
	cleanup = func() {
		for _, p := range pairs {
			_ = p.pusher.Close() // the measurement is over, whatever this one says
			_ = p.worker.Close()
		}
		for _, name := range users {
			_ = admin.Call(context.WithoutCancel(ctx), "user.delete", user{User: name}, nil)
		}
	}
	pass := rand.Text()
	session := func(name string) (*client.Client, error) {
		c, err := b.dial(ctx)
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
			name := prefix + "-" + strconv.Itoa(len(users))
			if err := admin.Call(ctx, "user.create", user{User: name, Pass: pass}, nil); err != nil {
				return pairs, cleanup, fmt.Errorf("user.create: %w", err)
			}
			users = append(users, name)
			err := admin.Call(ctx, "user.setTags", user{User: name, Prefix: prefix, Tags: map[string]any{"@admin": true}}, nil)
			if err != nil {
				return pairs, cleanup, fmt.Errorf("user.setTags: %w", err)
			}
		}
		name := users[len(users)-1]
		pusher, err := session(name)
		if err != nil {
			return pairs, cleanup, err
		}
		worker, err := session(name)
		if err != nil {
			return pairs, cleanup, errors.Join(err, pusher.Close())
		}
		pairs = append(pairs, pair{pusher, worker, name, pass})
	}
	return pairs, cleanup, nil
}

// window is when a measurement counts: between warm-up and end.
type window struct{ begin, end time.Time }

func (b *bench) window() window {
	begin := time.Now().Add(b.warm)
	return window{begin, begin.Add(b.last)}
}

func (w window) counts(t time.Time) bool { return t.After(w.begin) && !t.After(w.end) }

// measure runs a scenario on all pairs at once and counts what ends within the window.
func (b *bench) measure(ctx context.Context, name string, pairs []pair, s scenario) (_ result, err error) {
	works := make([]work, len(pairs))
	for i, p := range pairs {
		if works[i], err = s(ctx, i, p); err != nil {
			return result{}, fmt.Errorf("%s, pair %d: %w", name, i, err)
		}
	}
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	helping, stopHelping := context.WithCancel(running)
	defer stopHelping()
	var helpers, loops sync.WaitGroup
	during := b.window()
	times := make([][]time.Duration, len(pairs))
	for i, w := range works {
		if w.helper != nil {
			helpers.Go(func() {
				if err := w.helper(helping); helping.Err() == nil {
					fail(fmt.Errorf("%s, worker %d: %w", name, i, err))
				}
			})
		}
		loops.Go(func() {
			for start := time.Now(); start.Before(during.end) && running.Err() == nil; {
				call, stop := context.WithTimeout(running, stuck)
				err := w.once(call)
				stop()
				if err != nil {
					fail(fmt.Errorf("%s, pair %d: %w", name, i, err))
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
			return result{}, fmt.Errorf("%s, end of pair %d: %w", name, i, err)
		}
	}
	return summarize(name, len(pairs), b.last, slices.Concat(times...)), nil
}
