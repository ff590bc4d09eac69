package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"nexus/pkg/client"
)

const (
	maxPairs = 1000
	// userPairs is how many pairs log in as one user: two sessions each, and a user has at most 50.
	userPairs = 20
	// stuck is when a single call is given up and with it the measurement.
	stuck = 30 * time.Second
)

// bench measures a bus.
type bench struct {
	url, user, pass string
	warm, last      time.Duration
	http            *http.Client // for the handshakes; nil is the default
}

// pair is two sessions.
type pair struct{ pusher, worker *client.Client }

// run measures each kind of thing at each number of pairs.
func (b *bench) run(ctx context.Context, counts []int) ([]result, error) {
	admin, err := b.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	if _, err := admin.Login(ctx, b.user, b.pass); err != nil {
		return nil, fmt.Errorf("login as %s: %w", b.user, err)
	}
	prefix := "bench" + strings.ToLower(rand.Text()[:12])
	pairs, cleanup, err := b.pairs(ctx, admin, prefix, slices.Max(counts))
	defer cleanup()
	if err != nil {
		return nil, err
	}

	own := func(i int) string { return prefix + ".own" + strconv.Itoa(i) }
	shared := func(int) string { return prefix + ".shared" }
	var results []result
	for _, n := range counts {
		pings, err := b.measure(ctx, "pings", pairs[:n], b.pings)
		if err != nil {
			return nil, err
		}
		owned, err := b.measure(ctx, "tasks, a prefix each", pairs[:n], tasks(own))
		if err != nil {
			return nil, err
		}
		together, err := b.measure(ctx, "tasks, one prefix", pairs[:n], tasks(shared))
		if err != nil {
			return nil, err
		}
		results = append(results, pings, owned, together)
	}
	return results, nil
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
		pairs = append(pairs, pair{pusher, worker})
	}
	return pairs, cleanup, nil
}

// scenario is what one pair does again and again. once does it a single time; helper, unless nil, runs beside it until its context ends.
type scenario func(i int, p pair) (once, helper func(ctx context.Context) error)

func (b *bench) pings(_ int, p pair) (once, helper func(ctx context.Context) error) {
	return p.pusher.Ping, nil
}

func tasks(prefix func(i int) string) scenario {
	return func(i int, p pair) (once, helper func(ctx context.Context) error) {
		path := prefix(i)
		once = func(ctx context.Context) error { return p.pusher.Push(ctx, path+".add", [2]int{1, i}, nil, nil) }
		helper = func(ctx context.Context) error {
			for {
				task, err := p.worker.Pull(ctx, path, 0)
				if err != nil {
					return err
				}
				if err := p.worker.Result(ctx, task.ID, i); err != nil {
					return err
				}
			}
		}
		return once, helper
	}
}

// measure runs a scenario on all pairs at once and counts what ends between warm-up and end.
func (b *bench) measure(ctx context.Context, name string, pairs []pair, s scenario) (result, error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	helping, stopHelping := context.WithCancel(ctx)
	defer stopHelping()
	var helpers, loops sync.WaitGroup
	begin := time.Now().Add(b.warm)
	end := begin.Add(b.last)
	times := make([][]time.Duration, len(pairs))
	for i, p := range pairs {
		once, helper := s(i, p)
		if helper != nil {
			helpers.Go(func() {
				if err := helper(helping); helping.Err() == nil {
					fail(fmt.Errorf("%s, worker %d: %w", name, i, err))
				}
			})
		}
		loops.Go(func() {
			for start := time.Now(); start.Before(end) && ctx.Err() == nil; {
				call, stop := context.WithTimeout(ctx, stuck)
				err := once(call)
				stop()
				if err != nil {
					fail(fmt.Errorf("%s, pair %d: %w", name, i, err))
					return
				}
				now := time.Now()
				if now.After(begin) && !now.After(end) {
					times[i] = append(times[i], now.Sub(start))
				}
				start = now
			}
		})
	}
	loops.Wait()
	stopHelping()
	helpers.Wait()
	if err := context.Cause(ctx); err != nil {
		return result{}, err
	}
	return summarize(name, len(pairs), b.last, slices.Concat(times...)), nil
}
