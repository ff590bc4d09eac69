package user

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// SetPass is what user.setPass takes.
type SetPass struct{ User, Pass string }

// ReadSetPass reads user.setPass's params.
func ReadSetPass(p *jsonrpc.Params) SetPass { return SetPass{User: readUser(p), Pass: readPass(p)} }

// SetPass carries out user.setPass. That it needs no tag on oneself is the guard's affair.
func (u *Users) SetPass(ctx context.Context, c *call.Call, p SetPass) (jsonrpc.Outcome, error) {
	var hash string
	err := u.change(ctx, c, p.User, "hash", func(store.Item) (value types.AttributeValue, err error) {
		if hash == "" { // the work is done for users that exist, and once
			hash, err = u.Passwords.Hash(ctx, p.Pass)
		}
		return store.S(hash), err
	})
	return u.done(ctx, c, p.User, "setPass", err, nil)
}
