package session

import (
	"context"
	"time"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// turn is what keeps a connection to one login at a time: it begins with a write of the session, in place of a read, and ends with the login's write or one of its
// own. The fields are the names of the session's attributes that hold when it began, whose it is, and whose was the last.
type turn struct{ at, of, last string }

// A basic login and one by a method have a turn each: while a worker is asked, another login may win.
func basicTurn() turn  { return turn{"turn", "turnof", "turned"} }
func methodTurn() turn { return turn{"ask", "askof", "asked"} }

const (
	// turnLasts is for how long a turn counts whose handler died: longer than a handler runs, and than a login method's worker has.
	turnLasts = 15 * time.Second
	// mostRefused is how many logins a connection may be refused because another has the turn, before it is closed.
	mostRefused = 20
)

// begin takes the turn for a login, and returns the session. -32012 while another login has it; ErrEnded if the session is not live.
func (s *Sessions) begin(ctx context.Context, connid, request string, t turn) (store.Item, error) {
	now := s.Now()
	// Key: the session. Condition: live; no other login has the turn, or one that died; and this one has not had it, for what comes late must not take it again.
	// Effect: it has the turn. A loser's session has ended, or it finds another's turn, or, by the request, its own.
	item, err := s.DB.Do(ctx, store.Write{Table: store.Sessions, Key: key(connid),
		Update: "SET #" + t.at + " = :now, #" + t.of + " = :request",
		If: "#state = :live AND (attribute_not_exists(#" + t.at + ") OR #" + t.at + " < :dead)" +
			" AND (attribute_not_exists(#" + t.last + ") OR #" + t.last + " <> :request)",
		Values: store.Item{":now": store.Millis(now), ":request": store.S(request), ":live": store.S(live), ":dead": store.Millis(now.Add(-turnLasts))}})
	old, lost := store.Lost(err)
	switch {
	case !lost:
		return item, err
	case old.Str("state") != live:
		return nil, ErrEnded
	case old.Str(t.of) == request:
		return old, nil
	}
	if err := s.refuse(ctx, connid); err != nil {
		return nil, err
	}
	return nil, jsonrpc.Err(jsonrpc.LimitExceeded, "one login at a time on a connection")
}

// refuse counts a refusal, and closes a connection that goes on in spite of them.
func (s *Sessions) refuse(ctx context.Context, connid string) error {
	// Key: the session. Condition: live. Effect: one more refusal. (A write that is repeated after its response was lost counts twice, which does no harm.) A
	// loser's session has ended.
	item, err := s.DB.Do(ctx, store.Write{Table: store.Sessions, Key: key(connid), Update: "ADD #refused :one", If: "#state = :live",
		Values: store.Item{":one": store.N(1), ":live": store.S(live)}})
	if _, lost := store.Lost(err); lost {
		return ErrEnded
	}
	if err != nil {
		return err
	}
	if item.Int("refused") <= mostRefused {
		return nil
	}
	return s.End(ctx, connid, false)
}

// release ends the turn of a login that failed. Whether that works changes nothing for its caller: the turn dies of age.
func (s *Sessions) release(ctx context.Context, connid, request string, t turn) {
	// Key: the session. Condition: live, and the turn is this login's. Effect: there is no turn. A loser's turn is over.
	_, err := s.DB.Do(ctx, store.Write{Table: store.Sessions, Key: key(connid), If: "#state = :live AND #" + t.of + " = :request",
		Update: "SET #" + t.last + " = :request REMOVE #" + t.at + ", #" + t.of, Values: store.Item{":request": store.S(request), ":live": store.S(live)}})
	if _, lost := store.Lost(err); !lost && err != nil {
		s.Log.Warn("the end of a login's turn", "connid", connid, "error", err)
	}
}
