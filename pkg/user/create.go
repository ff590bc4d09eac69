package user

import (
	"context"
	"errors"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Create is what user.create takes.
type Create struct{ User, Pass string }

// ReadCreate reads user.create's params.
func ReadCreate(p *jsonrpc.Params) Create {
	out := Create{User: readUser(p), Pass: readPass(p)}
	p.Check("user", free(out.User))
	return out
}

// free says why no user may have a name: what the bus does by itself is done by @internal.
func free(name string) error {
	if name == "@internal" {
		return errors.New("reserved")
	}
	return nil
}

// Create carries out user.create.
func (u *Users) Create(ctx context.Context, c *call.Call, p Create) (jsonrpc.Outcome, error) {
	hash, err := u.Passwords.Hash(ctx, p.Pass)
	if err != nil {
		return "", err
	}
	// Key: the user. Condition: there is none. Effect: the user, without tags. A loser finds a user of that name. A repeated creation knows itself by a
	// transaction's token: one that comes late must not bring back a user who was deleted meanwhile.
	err = u.DB.Transact(ctx, c.Request, store.Write{Table: store.Users, Item: u.fresh(p.User, hash, "{}", DefaultMaxSessions, c.Request), If: "attribute_not_exists(#user)"})
	if _, lost := errors.AsType[*store.Cancelled](err); lost {
		return "", jsonrpc.Err(jsonrpc.UserExists, p.User)
	}
	return u.done(ctx, c, p.User, "create", err, nil)
}

// fresh is the item of a new user.
func (u *Users) fresh(name, hash, tags string, maxSessions int64, request string) store.Item {
	return store.Item{"user": store.S(name), "uid": store.S(u.NewID()), "dir": store.S(directory), "hash": store.S(hash), "tags": store.S(tags), "templates": store.Strings(nil),
		"whitelist": store.Strings(nil), "blacklist": store.Strings(nil), "maxsessions": store.N(maxSessions),
		"disabled": store.Bool(false), "createdAt": store.Millis(u.Now()), "req": store.S(request)}
}
