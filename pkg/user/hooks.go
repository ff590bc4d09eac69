package user

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

// done is the answer of a call that changes a user. If it did, it notes an event, whose action is the call's name: every call that is answered ok has one,
// also if all was as it is to be before. tell adds what the action has besides action and user: never a password.
func (u *Users) done(ctx context.Context, c *call.Call, name, action string, err error, tell func(*jsonrpc.Object)) (jsonrpc.Outcome, error) {
	if err != nil {
		return "", err
	}
	u.Hooks.Happened(ctx, name, c.Session.User, name, func() json.RawMessage {
		var o jsonrpc.Object
		o.String("action", action).String("user", name)
		if tell != nil {
			tell(&o)
		}
		return o.JSON()
	})
	return jsonrpc.OK, nil
}
