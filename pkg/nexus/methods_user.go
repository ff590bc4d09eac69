package nexus

import (
	"context"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/user"
)

func userMethods() []Method {
	return []Method{
		guarded("user.create", FunctionUser, user.ReadCreate, func(p user.Create) string { return p.User },
			func(b *Bus, ctx context.Context, c *call.Call, p user.Create) (jsonrpc.Outcome, error) {
				return b.Users.Create(ctx, c, p)
			}),
		guarded("user.delTags", FunctionUser, user.ReadDelTags, func(p user.DelTags) string { return p.Prefix },
			func(b *Bus, ctx context.Context, c *call.Call, p user.DelTags) (jsonrpc.Outcome, error) {
				return b.Users.DelTags(ctx, c, p)
			}),
		guarded("user.delete", FunctionUser, user.ReadDelete, func(p user.Delete) string { return p.User },
			func(b *Bus, ctx context.Context, c *call.Call, p user.Delete) (jsonrpc.Outcome, error) {
				return b.Users.Delete(ctx, c, p)
			}),
		selfAllowed(guarded("user.setPass", FunctionUser, user.ReadSetPass, func(p user.SetPass) string { return p.User },
			func(b *Bus, ctx context.Context, c *call.Call, p user.SetPass) (jsonrpc.Outcome, error) {
				return b.Users.SetPass(ctx, c, p)
			})),
		guarded("user.setTags", FunctionUser, user.ReadSetTags, func(p user.SetTags) string { return p.Prefix },
			func(b *Bus, ctx context.Context, c *call.Call, p user.SetTags) (jsonrpc.Outcome, error) {
				return b.Users.SetTags(ctx, c, p)
			}),
	}
}
