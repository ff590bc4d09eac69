package session

import (
	"context"
	"errors"
	"strconv"

	"nexus/pkg/deliver"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// WakeSlow is the kind of message that ends the session of a connection that takes nothing any more. It names the connection, and says how many messages in
// turn could not be delivered to it.
const WakeSlow = "session.slow"

// Suspect is told of a connection that takes nothing any more. What is to be done about it is a message's: whoever posted to it has other work.
func (s *Sessions) Suspect(ctx context.Context, connid string, undelivered int) {
	w := timer.Wake{Kind: WakeSlow, Key: []string{connid}, Cursor: map[string]string{"undelivered": strconv.Itoa(undelivered)}}
	if err := s.Timer.After(ctx, 0, w); err != nil {
		s.Log.Warn("suspect a connection", "connid", connid, "error", err) // who posts to it next does it again
	}
}

// asked is how often in turn API Gateway must answer when it is asked for a connection that takes nothing.
const asked = 8

// WokenToSlow ends the session of a connection that takes nothing, if that is the connection's own fault: API Gateway answers 429 too where an account's rate
// is exceeded, and posts share that rate with all other requests to @connections. So it is asked for the connection, some times in turn: where it refuses
// posts for the rate it refuses one of these, and the session stays.
func (s *Sessions) WokenToSlow(ctx context.Context, w timer.Wake) error {
	if len(w.Key) != 1 {
		return errNoConnid
	}
	connid := w.Key[0]
	item, err := s.DB.Get(ctx, store.Sessions, key(connid))
	if err != nil || item.Str("state") != live {
		return err
	}
	for range asked {
		_, err := s.Post.LastActive(ctx, connid)
		if errors.Is(err, deliver.ErrGone) {
			break
		}
		if err != nil {
			s.Log.Info("API Gateway takes nothing for a connection, nor tells of it", "connid", connid, "error", err)
			return nil
		}
	}
	s.Log.Warn("a connection takes nothing and is closed", "connid", connid, "user", item.Str("user"), "undelivered", w.Cursor["undelivered"])
	return s.End(ctx, connid, false)
}
