package user

import (
	"context"
	"errors"
	"fmt"

	"nexus/pkg/access"
	"nexus/pkg/store"
)

// Root is the user that the first start makes.
const Root = "root"

// firstStart is the key of the item that records the first start, so that a root that was deleted stays deleted. It holds white space, which no
// user name does: no call reaches it, and a listing, which goes by what only users have, does not show it.
const firstStart = "first start"

// CreateRoot makes the user root, with @admin on "." and any number of sessions, on the first start of a deployment; created is false on every other. The
// password is one that user.create would take.
func (u *Users) CreateRoot(ctx context.Context, pass string) (created bool, err error) {
	if err := access.Password(pass); err != nil {
		return false, fmt.Errorf("password: %w", err)
	}
	started, err := u.DB.Get(ctx, store.Users, key(firstStart))
	if err != nil || started != nil {
		return false, err
	}
	hash, err := u.Passwords.Hash(ctx, pass)
	if err != nil {
		return false, err
	}
	// Keys: the record of the first start; root. Conditions: neither is there. Effect: both are. A loser finds the first start made by another;
	// its own repeated transaction has the same token.
	request := u.NewID()
	err = u.DB.Transact(ctx, request,
		store.Write{Table: store.Users, If: "attribute_not_exists(#user)",
			Item: store.Item{"user": store.S(firstStart), "at": store.Millis(u.Now())}},
		store.Write{Table: store.Users, If: "attribute_not_exists(#user)", Item: u.fresh(Root, hash, `{".":{"@admin":true}}`, 0, request)})
	if _, lost := errors.AsType[*store.Cancelled](err); lost {
		return false, nil
	}
	return err == nil, err
}
