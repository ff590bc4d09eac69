package session

import (
	"context"
	"encoding/json"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
)

// Hooks is what this family asks of hooks.
type Hooks interface {
	// Happened notes what a user, by, did to a user: it may be published once the call is done, and msg is called then. What happened to one id is published in
	// order. It neither fails nor takes time.
	Happened(ctx context.Context, name, by, id string, msg func() json.RawMessage)
}

// noteLogin notes a login that took place, as Nexus publishes it: what is in force for the session now, and what the user is held to. v is what a login
// method's worker said, nil without one; its metadata is between it and who logs in.
func (s *Sessions) noteLogin(ctx context.Context, in call.Admission, v *vouched) {
	s.Hooks.Happened(ctx, in.User, in.User, in.User, func() json.RawMessage {
		var mask json.RawMessage
		if v != nil && v.mask != nil {
			mask = v.mask.JSON()
		}
		var o jsonrpc.Object
		return o.String("action", "login").String("user", in.User).Raw("mask", mask).Raw("tags", in.Tags.JSON()).Int("maxSessions", in.MaxSessions).
			Strings("whitelist", in.Whitelist).Strings("blacklist", in.Blacklist).JSON()
	})
}
