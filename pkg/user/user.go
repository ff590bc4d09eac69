package user

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

const (
	// DefaultMaxSessions is how many live sessions a new user may have.
	DefaultMaxSessions = 50
	// MaxTags is how long a user's own tags may be, in bytes of JSON.
	MaxTags = 64 << 10
)

const tagsTooLong = "over 64 KB"

// Users carries out the calls of this family.
type Users struct {
	DB        *store.DB
	Passwords *Hasher
	Hooks     Hooks
	Now       func() time.Time
	// NewID returns an id of at most 36 bytes, unlike any other.
	NewID func() string

	expressions expressions
}

func key(name string) store.Item { return store.Item{"user": store.S(name)} }

// read returns the item of the user that a call is on; -32004 if there is none, -32010 if it is not oneself and has to be.
func (u *Users) read(ctx context.Context, c *call.Call, name string) (store.Item, error) {
	item, err := u.DB.Get(ctx, store.Users, key(name))
	if err == nil {
		err = meant(c, name, item)
	}
	return item, err
}

// meant says why an item is not that of the user that a call is on.
func meant(c *call.Call, name string, item store.Item) error {
	switch {
	case c.Oneself && (item == nil || item.Str("uid") != c.Session.UID || item.Bool("disabled")):
		return jsonrpc.Err(jsonrpc.PermissionDenied, "")
	case item == nil:
		return jsonrpc.Err(jsonrpc.InvalidUser, name)
	}
	return nil
}

func tagsOf(item store.Item) (access.Tags, error) {
	tags, err := access.ParseTags([]byte(item.Str("tags")))
	if err != nil {
		return nil, fmt.Errorf("tags of user %s: %w", item.Str("user"), err)
	}
	return tags, nil
}

// Changes of one user that get in each other's way are tried so often: each attempt that loses is another's that won.
const attempts = 32

// change gives one attribute of the user that a call is on another value, which edit makes of the item as it is; nil leaves it. -32004 if there is no
// such user, -32010 if it is not oneself and has to be.
func (u *Users) change(ctx context.Context, c *call.Call, name, attribute string, edit func(store.Item) (types.AttributeValue, error)) error {
	item, err := u.read(ctx, c, name)
	if err != nil {
		return err
	}
	for n := range attempts {
		value, err := edit(item)
		if err != nil || value == nil {
			return err
		}
		mine := store.Stamp(c.Request, n)
		// Key: the user. Condition: it was last written by the write that made what was read, so that no change between is lost, nor
		// carried over to a user of that name created since, nor to one disabled since where it has to be oneself. Effect: the attribute; this write is its
		// last. A loser finds that it was itself, or the item to begin again with, or none: the user was deleted.
		_, err = u.DB.Do(ctx, store.Write{Table: store.Users, Key: key(name), Update: "SET #" + attribute + " = :value, #req = :req",
			If: "#req = :seen", Values: store.Item{":value": value, ":req": store.S(mine), ":seen": item["req"]}})
		old, lost := store.Lost(err)
		switch {
		case !lost:
			return err
		case old.Str("req") == mine:
			return nil
		}
		if err := meant(c, name, old); err != nil {
			return err
		}
		item = old
	}
	return errors.New("user " + name + ": changed by others at each attempt")
}

// readUser reads the parameter that names a user.
func readUser(p *jsonrpc.Params) string {
	name, err := access.UserName(p.String("user"))
	p.Check("user", err)
	return name
}

// readPass reads the parameter that is a new password.
func readPass(p *jsonrpc.Params) string {
	pass := p.String("pass")
	p.Check("pass", access.Password(pass))
	return pass
}
