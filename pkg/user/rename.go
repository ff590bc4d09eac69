package user

import (
	"context"
	"errors"
	"maps"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Rename is what user.rename takes.
type Rename struct{ User, New string }

// ReadRename reads user.rename's params.
func ReadRename(p *jsonrpc.Params) Rename {
	out := Rename{User: readUser(p)}
	var err error
	out.New, err = access.UserName(p.String("new"))
	p.Check("new", err)
	p.Check("new", free(out.New))
	if out.New == call.Nobody { // all that the user may would be everybody's who connects
		p.Fail("new", "reserved")
	}
	return out
}

// Rename carries out user.rename: the user has all that it had, under another name. What names it elsewhere stays as it is: tags of others on the
// old name, templates of others, and its sessions, which go on under the old name until they log in anew: to them it is another user, as its uid says.
// -32010 for who may do more to the new name than to the old: it would come to the rights of whom it renames.
func (u *Users) Rename(ctx context.Context, c *call.Call, p Rename) (jsonrpc.Outcome, error) {
	if c.Session.Tags.MoreOn(p.New, p.User) {
		return "", jsonrpc.Err(jsonrpc.PermissionDenied, "more is allowed on the new name than on the old")
	}
	item, err := u.read(ctx, c, p.User)
	if err != nil {
		return "", err
	}
	if p.New == p.User {
		return "", jsonrpc.Err(jsonrpc.UserExists, p.New)
	}
	done := func(err error) (jsonrpc.Outcome, error) {
		return u.done(ctx, c, p.User, "rename", err, func(o *jsonrpc.Object) { o.String("new", p.New) })
	}
	token, uid := c.Request, u.NewID()
	for range attempts {
		renamed := maps.Clone(item)
		renamed["user"], renamed["uid"], renamed["req"] = store.S(p.New), store.S(uid), store.S(c.Request)
		// Keys: the user under its new and its old name. Conditions: nobody has the new one; the old one was last written by the request
		// that wrote what was read, so that no change between is lost. Effect: the one is there, the other is not. A loser finds a user of
		// the new name, or that it was itself; or the item to begin again with; or none: the user was deleted.
		err := u.DB.Transact(ctx, token,
			store.Write{Table: store.Users, Item: renamed, If: "attribute_not_exists(#user)"},
			store.Write{Table: store.Users, Key: key(p.User), If: "#req = :seen", Values: store.Item{":seen": item["req"]}})
		cancelled, lost := errors.AsType[*store.Cancelled](err)
		switch {
		case !lost:
			return done(err)
		case cancelled.Lost[0] != nil && cancelled.Lost[0].Old.Str("req") == c.Request:
			return done(nil)
		case cancelled.Lost[0] != nil:
			return "", jsonrpc.Err(jsonrpc.UserExists, p.New)
		case cancelled.Lost[1].Old == nil:
			return "", jsonrpc.Err(jsonrpc.InvalidUser, p.User)
		}
		item = cancelled.Lost[1].Old
		token = u.NewID() // other writes than the token before stands for
	}
	return "", errors.New("user " + p.User + ": changed by others at each attempt")
}
