package session

import (
	"context"
	"errors"
	"fmt"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// WakeReload is the kind of message that reloads sessions which sys.session.reload had no time for.
const WakeReload = "session.reload"

// A login or reload that others get in the way of is tried so often: each attempt that loses is another's that won.
const reloads = 32

// Reload carries out sys.reload: the tags of the session's user as they are now. -32600 for nobody, and for a user that is no
// more; -32010 for one that is disabled. Both leave the session as it was.
func (s *Sessions) Reload(ctx context.Context, c *call.Call) (jsonrpc.Outcome, error) {
	if err := s.reload(ctx, c.Connid, c.Request); err != nil {
		return "", err
	}
	return jsonrpc.OK, nil
}

// ReloadOthers carries out sys.session.reload. Sessions of nobody, and of users that are no more or are disabled, stay as they are and
// are not counted.
func (s *Sessions) ReloadOthers(ctx context.Context, c *call.Call, p Select, may func(user string) bool) (jsonrpc.Outcome, error) {
	began := s.Now()
	connids, users, err := s.selected(ctx, p.Prefix, may)
	if err != nil {
		return "", err
	}
	loggedIn := connids[:0]
	for _, connid := range connids {
		if users[connid] != call.Nobody {
			loggedIn = append(loggedIn, connid)
		}
	}
	n, err := s.each(ctx, WakeReload, loggedIn, began, s.reloader(c.Request))
	if err := s.reachedAny(WakeReload, n, err); err != nil {
		return "", err
	}
	var o jsonrpc.Object
	return jsonrpc.Success(o.Int("reloaded", int64(n)).JSON()), nil
}

// WokenToReload goes on with a sys.session.reload.
func (s *Sessions) WokenToReload(ctx context.Context, w timer.Wake) error {
	_, err := s.each(ctx, WakeReload, w.Key, s.Now(), s.reloader(s.NewID()))
	return err
}

// reloader returns what reloads sessions one by one. A session that has ended, or whose user is gone or disabled, is none to reload, and no failure.
func (s *Sessions) reloader(request string) func(ctx context.Context, connid string) (done bool, err error) {
	return func(ctx context.Context, connid string) (bool, error) {
		err := s.reload(ctx, connid, request)
		if _, refused := errors.AsType[*jsonrpc.Error](err); refused {
			return false, nil
		}
		return err == nil, err
	}
}

// reload gives a session the tags of its user as they are now; request is the writer's.
func (s *Sessions) reload(ctx context.Context, connid, request string) error {
	item, err := s.load(ctx, connid)
	if err != nil {
		return err
	}
	for n := range reloads {
		user := item.Str("user")
		if user == call.Nobody {
			return jsonrpc.Err(jsonrpc.InvalidRequest, "not logged in")
		}
		in, err := s.Users.InForce(ctx, user, item.Str("uid"))
		if err != nil {
			return err
		}
		if item.Has("mask") {
			mask, err := access.ParseTags([]byte(item.Str("mask")))
			if err != nil {
				return fmt.Errorf("mask of session %s: %w", connid, err)
			}
			in.Tags = access.Mask(in.Tags, mask)
		}
		tags, err := storable(in.Tags)
		if err != nil {
			return err
		}
		// Key: the session. Condition: live, its user and tags last written by the write that was read, for a login or reload since may
		// have brought another user or newer tags. Effect: the tags; this write is their last. A loser finds the session ended, or what
		// to begin again with, be it from itself.
		_, err = s.DB.Do(ctx, store.Write{Table: store.Sessions, Key: key(connid), If: "#state = :live AND #req = :seen",
			Update: "SET #tags = :tags, #req = :req",
			Values: store.Item{":live": store.S(live), ":seen": item["req"], ":tags": store.S(tags), ":req": store.S(store.Stamp(request, n))}})
		old, lost := store.Lost(err)
		switch {
		case err == nil:
			return nil
		case !lost:
			return err
		case old.Str("state") != live:
			return ErrEnded
		}
		item = old
	}
	return errors.New("session " + connid + ": its user changed at each attempt to reload")
}
