package session

import (
	"context"
	"errors"
	"sync"
	"time"

	"nexus/pkg/deliver"
	"nexus/pkg/store"
	"nexus/pkg/timer"

	"golang.org/x/sync/errgroup"
)

// Seconds of silence that a connection may keep, from spec/protocol.md.
const (
	DefaultWatchdog = 90
	MinWatchdog     = 10
	MaxWatchdog     = 600
)

// SweepEvery is how often the deployment's schedule calls Sweep; a silent connection is closed that much late, at most.
const SweepEvery = time.Minute

// WakeSweep is the kind of message by which a sweep that did not fit one invocation goes on.
const WakeSweep = "session.sweep"

// GetConnection requests under way at once.
const sweepers = 16

// handshake is how long a session may be there and its connection not yet: API Gateway opens it once $connect has answered, for which it waits 29 s.
const handshake = 30 * time.Second

// SetWatchdog sets how long a live session may be silent, in seconds, clamped to its bounds, and returns what is in force. nil only asks.
func (s *Sessions) SetWatchdog(ctx context.Context, connid string, seconds *int64) (int64, error) {
	if seconds == nil {
		item, err := s.load(ctx, connid)
		return item.Int("wd"), err
	}
	n := min(max(*seconds, MinWatchdog), MaxWatchdog)
	// Key: the session. Condition: live, for an update would make an ended one anew. Effect: its watchdog. A loser's session has ended.
	_, err := s.DB.Do(ctx, store.Write{Table: store.Sessions, Key: key(connid), Update: "SET #wd = :n", If: "#state = :live",
		Values: store.Item{":n": store.N(n), ":live": store.S(live)}})
	if _, lost := store.Lost(err); lost {
		return 0, ErrEnded
	}
	return n, err
}

// Sweep ends the sessions that have been silent for longer than their watchdog, and those whose connection is gone although nobody said so. It
// goes on from a cursor that a sweep before it left.
func (s *Sessions) Sweep(ctx context.Context, cursor map[string]string) error {
	began := s.Now()
	q := store.Query{Table: store.Sessions, Filter: "#state = :live", Projection: "#id, #wd, #ct", Limit: 500,
		Values: store.Item{":live": store.S(live)}}
	if cursor["id"] != "" {
		q.Start = key(cursor["id"])
	}
	var (
		mu     sync.Mutex
		failed []error
	)
	for {
		items, next, err := s.DB.Scan(ctx, q)
		if err != nil {
			return errors.Join(append(failed, err)...)
		}
		g := errgroup.Group{}
		g.SetLimit(sweepers)
		for _, item := range items {
			g.Go(func() error {
				if err := s.sweep(ctx, item); err != nil {
					mu.Lock()
					defer mu.Unlock()
					failed = append(failed, err)
				}
				return nil
			})
		}
		_ = g.Wait()
		if next == nil {
			return errors.Join(failed...)
		}
		q.Start = next
		if s.Now().Sub(began) > s.Chores {
			err := s.Timer.After(ctx, 0, timer.Wake{Kind: WakeSweep, Cursor: map[string]string{"id": next.Str("id")}})
			return errors.Join(append(failed, err)...)
		}
	}
}

func watchdog(session store.Item) time.Duration {
	return time.Duration(session.Int("wd")) * time.Second
}

func (s *Sessions) sweep(ctx context.Context, session store.Item) error {
	connid := session.Str("id")
	last, err := s.Post.LastActive(ctx, connid)
	switch {
	case errors.Is(err, deliver.ErrGone):
		if s.Now().Sub(session.Time("ct")) < handshake {
			return nil // it may be about to open; the next sweep will know
		}
		return s.End(ctx, connid, false)
	case err != nil:
		return err
	case s.Now().Sub(last) > watchdog(session):
		return s.End(ctx, connid, false)
	}
	return nil
}
