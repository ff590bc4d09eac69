package user

import (
	"context"
	"errors"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Delete is what user.delete takes.
type Delete struct{ User string }

// ReadDelete reads user.delete's params.
func ReadDelete(p *jsonrpc.Params) Delete { return Delete{readUser(p)} }

// Delete carries out user.delete. Sessions of the user go on.
func (u *Users) Delete(ctx context.Context, c *call.Call, p Delete) (jsonrpc.Outcome, error) {
	// Key: the user. Condition: there is one. Effect: there is none. A loser finds none. What is gone cannot say who took it, so that a
	// repeated deletion knows itself by a transaction's token instead.
	err := u.DB.Transact(ctx, c.Request, store.Write{Table: store.Users, Key: key(p.User), If: "attribute_exists(#user)"})
	if _, lost := errors.AsType[*store.Cancelled](err); lost {
		return "", jsonrpc.Err(jsonrpc.InvalidUser, p.User)
	}
	return u.done(ctx, c, p.User, "delete", err, nil)
}
