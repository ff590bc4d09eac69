package session

import (
	"context"
	"errors"
	"sync/atomic"

	"nexus/pkg/deliver"
	"nexus/pkg/store"

	"golang.org/x/sync/errgroup"
)

// room tells whether a user, by uid, may have one more live session beside those of other connections than this. The index lags a little and two logins
// may pass at once: it is a soft limit. But it counts no dead session: before room says no it asks API Gateway for the connections, and ends
// the sessions of those that are gone.
func (s *Sessions) room(ctx context.Context, connid, uid string, most int64) (bool, error) {
	if most < 1 {
		return true, nil
	}
	others, err := s.others(ctx, connid, uid)
	if err != nil {
		return false, err
	}
	alive := int64(0)
	for int64(len(others)) >= most-alive {
		if alive == most {
			return false, nil
		}
		n := min(len(others), sweepers)
		n = min(n, int(most-alive))
		alive += s.alive(ctx, others[:n])
		others = others[n:]
	}
	return true, nil
}

// others returns the other sessions of a user that the index shows.
func (s *Sessions) others(ctx context.Context, connid, uid string) ([]string, error) {
	q := store.Query{Table: store.Sessions, Index: store.IndexByUser, If: "#owner = :uid", Filter: "#exp > :now", Eventual: true,
		Values: store.Item{":uid": store.S(uid), ":now": store.N(s.Now().Unix())}}
	var others []string
	for {
		items, next, err := s.DB.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			if id := item.Str("id"); id != connid {
				others = append(others, id)
			}
		}
		if next == nil {
			return others, nil
		}
		q.Start = next
	}
}

// alive counts the sessions among some whose connection is there, and ends the others. One of which that cannot be learned counts.
func (s *Sessions) alive(ctx context.Context, connids []string) int64 {
	var n atomic.Int64
	var g errgroup.Group
	for _, connid := range connids {
		g.Go(func() error {
			if _, err := s.Post.LastActive(ctx, connid); !errors.Is(err, deliver.ErrGone) {
				n.Add(1)
				return nil
			}
			if err := s.End(ctx, connid, false); err != nil {
				s.Log.Warn("end", "connid", connid, "error", err)
			}
			return nil
		})
	}
	_ = g.Wait()
	return n.Load()
}
