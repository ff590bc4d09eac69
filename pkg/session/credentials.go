package session

import (
	"context"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// ConnectAs makes the session of a new connection that brings a user's name, which may be a>b as sys.login's, and password: it is logged in as that user from its
// first moment, by the rules of sys.login. What sys.login would refuse is an error with its code, and leaves nothing behind. request is unique to this event.
func (s *Sessions) ConnectAs(ctx context.Context, connid, ip, protocol, request, name, pass string) error {
	user, as := twoNames(name)
	in, err := s.Users.Login(ctx, user, as, pass, ip)
	if err != nil {
		return err
	}
	tags, err := storable(in.Tags)
	if err != nil {
		return err
	}
	room, err := s.room(ctx, connid, in.UID, in.MaxSessions)
	if err != nil {
		return err
	}
	if !room {
		return jsonrpc.Err(jsonrpc.PermissionDenied, "too many sessions of "+in.User)
	}
	if err := s.put(ctx, connid, ip, protocol, store.Item{"user": store.S(in.User), "uid": store.S(in.UID), "owner": store.S(in.UID),
		"tags": store.S(tags), "req": store.S(store.Stamp(request, 0)), "login": store.S(request)}); err != nil {
		return err
	}
	s.entered.add(connid)
	s.noteLogin(ctx, in, nil)
	return nil
}
