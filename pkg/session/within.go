package session

import (
	"context"

	"nexus/pkg/call"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// WakeLogin is the kind of message that closes a connection on which nobody has logged in for as long as LoginWithin.
const WakeLogin = "session.login"

// MaxBeforeLogin is how long a message may be on a connection that has not logged in, in bytes.
const MaxBeforeLogin = 4 << 10

// WokenToLogin ends the session of a connection that nobody has logged in on. One that somebody has, or that is over, stays as it is.
func (s *Sessions) WokenToLogin(ctx context.Context, w timer.Wake) error {
	if len(w.Key) != 1 {
		return errNoConnid
	}
	connid := w.Key[0]
	// Key: the session. Condition: live and nobody's: a login since has won. Effect: ended, for this reason; what
	// API Gateway took until now is carried out still, if a user nobody was given the tags. A loser finds another state and has nothing to do; or, by the reason, that a handler before it wrote this and may have died of what follows, which is done again.
	now := s.Now()
	_, err := s.DB.Do(ctx, store.Write{Table: store.Sessions, Key: key(connid), If: "#state = :live AND #user = :nobody",
		Update: "SET #state = :ended, #exp = :exp, #until = :now, #why = :why",
		Values: store.Item{":ended": store.S(ended), ":live": store.S(live), ":nobody": store.S(call.Nobody), ":why": store.S(WakeLogin),
			":now": store.Millis(now), ":exp": store.N(now.Add(Tombstone).Unix())}})
	old, lost := store.Lost(err)
	switch {
	case !lost && err != nil:
		return err
	case lost && old.Str("why") != WakeLogin:
		return nil
	}
	if err := s.Timer.All(ctx, cleanUps(ctx, connid, false)...); err != nil {
		return err
	}
	return s.depart(ctx, connid, ending{})
}
