package user

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// SetMaxSessions is what user.setMaxSessions takes; below 1 is any number.
type SetMaxSessions struct {
	User        string
	MaxSessions int64
}

// ReadSetMaxSessions reads user.setMaxSessions's params.
func ReadSetMaxSessions(p *jsonrpc.Params) SetMaxSessions {
	out := SetMaxSessions{User: readUser(p), MaxSessions: p.OptBound("maxsessions", 0)}
	if !p.Has("maxsessions") {
		p.Fail("maxsessions", "")
	}
	return out
}

// SetMaxSessions carries out user.setMaxSessions. It ends no session; it counts from the next login on.
func (u *Users) SetMaxSessions(ctx context.Context, c *call.Call, p SetMaxSessions) (jsonrpc.Outcome, error) {
	err := u.change(ctx, c, p.User, "maxsessions", func(item store.Item) (types.AttributeValue, error) {
		if item.Int("maxsessions") == p.MaxSessions {
			return nil, nil
		}
		return store.N(p.MaxSessions), nil
	})
	return u.done(ctx, c, p.User, "setMaxSessions", err, func(o *jsonrpc.Object) { o.Int("set", p.MaxSessions).Int("maxsessions", p.MaxSessions) })
}

// SetDisabled is what user.setDisabled takes.
type SetDisabled struct {
	User     string
	Disabled bool
}

// ReadSetDisabled reads user.setDisabled's params.
func ReadSetDisabled(p *jsonrpc.Params) SetDisabled {
	out := SetDisabled{User: readUser(p), Disabled: p.OptBool("disabled")}
	if !p.Has("disabled") {
		p.Fail("disabled", "")
	}
	return out
}

// SetDisabled carries out user.setDisabled. It ends no session: kick does.
func (u *Users) SetDisabled(ctx context.Context, c *call.Call, p SetDisabled) (jsonrpc.Outcome, error) {
	err := u.change(ctx, c, p.User, "disabled", func(item store.Item) (types.AttributeValue, error) {
		if item.Bool("disabled") == p.Disabled {
			return nil, nil
		}
		return store.Bool(p.Disabled), nil
	})
	return u.done(ctx, c, p.User, "setDisabled", err, func(o *jsonrpc.Object) { o.Bool("set", p.Disabled).Bool("disabled", p.Disabled) })
}
