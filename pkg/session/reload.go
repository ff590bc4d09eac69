package session

import (
	"context"
	"errors"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// A reload that others get in the way of is tried so often.
const reloads = 8

// Reload carries out sys.reload: the tags of the session's user as they are now. -32600 for nobody; -32004, leaving the session as it was, for a
// user that is no more.
func (s *Sessions) Reload(ctx context.Context, c *call.Call) (jsonrpc.Outcome, error) {
	item, err := s.load(ctx, c.Connid)
	if err != nil {
		return "", err
	}
	for range reloads {
		user := item.Str("user")
		if user == Nobody {
			return "", jsonrpc.Err(jsonrpc.InvalidRequest, "not logged in")
		}
		in, err := s.Users.InForce(ctx, user)
		if err != nil {
			return "", err
		}
		tags, err := storable(in.Tags)
		if err != nil {
			return "", err
		}
		// Key: the session. Condition: live, its user and tags last written by the request that was read, for a login or reload since may
		// have brought another user or newer tags. Effect: the tags; this request is their writer. A loser finds the session ended, or what
		// to begin again with, be it from itself.
		_, err = s.DB.Do(ctx, store.Write{Table: store.Sessions, Key: key(c.Connid), If: "#state = :live AND #req = :seen",
			Update: "SET #tags = :tags, #req = :req",
			Values: store.Item{":live": store.S(live), ":seen": item["req"], ":tags": store.S(tags), ":req": store.S(c.Request)}})
		old, lost := store.Lost(err)
		switch {
		case err == nil:
			return jsonrpc.OK, nil
		case !lost:
			return "", err
		case old.Str("state") != live:
			return "", ErrEnded
		}
		item = old
	}
	return "", errors.New("session " + c.Connid + ": its user changed at each attempt to reload")
}
