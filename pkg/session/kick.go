package session

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/timer"
)

// WakeKick is the kind of message that ends sessions which a kick had no time for.
const WakeKick = "session.kick"

// Kick carries out sys.session.kick: it ends sessions and closes their connections. A session that kicks itself gets its answer first.
func (s *Sessions) Kick(ctx context.Context, c *call.Call, p Select, may func(user string) bool) (jsonrpc.Outcome, error) {
	began := s.Now()
	connids, _, err := s.selected(ctx, p.Prefix, may)
	if err != nil {
		return "", err
	}
	own := slices.Index(connids, c.Connid)
	if own >= 0 {
		connids = slices.Delete(connids, own, own+1)
	}
	kick := func(ctx context.Context, connid string) (bool, error) {
		return s.kick(ctx, connid, c.At.Add(-time.Millisecond))
	}
	n, err := s.each(ctx, WakeKick, connids, began, kick)
	if err := s.reachedAny(WakeKick, n, err); err != nil {
		return "", err
	}
	if own < 0 {
		return kicked(n), nil
	}
	if c.ID != nil {
		if err := s.Post.Post(ctx, c.Connid, jsonrpc.Answer(c.ID, kicked(n+1))); err != nil && !errors.Is(err, deliver.ErrGone) {
			s.Log.Log(ctx, deliver.Level(err, slog.LevelWarn), "answer before a kick of oneself", "connid", c.Connid, "error", err)
		}
	}
	_, err = s.kick(ctx, c.Connid, c.At)
	return "", call.Recorded(err)
}

func kicked(n int) jsonrpc.Outcome {
	var o jsonrpc.Object
	return jsonrpc.Success(o.Int("kicked", int64(n)).JSON())
}

// kick ends a session that is not to do any more what API Gateway took after a time.
func (s *Sessions) kick(ctx context.Context, connid string, until time.Time) (done bool, err error) {
	err = s.end(ctx, connid, ending{until: until})
	return err == nil, err
}

// WokenToKick goes on with a kick.
func (s *Sessions) WokenToKick(ctx context.Context, w timer.Wake) error {
	_, err := s.each(ctx, WakeKick, w.Key, s.Now(), func(ctx context.Context, connid string) (bool, error) {
		return s.kick(ctx, connid, time.Time{}) // when the kick was taken is not known here
	})
	return err
}
