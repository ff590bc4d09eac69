package nexus

import (
	"context"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/session"
)

func sysMethods() []Method {
	return []Method{
		anybodys("sys.login", FunctionSys, session.ReadLogin,
			func(b *Bus, ctx context.Context, c *call.Call, p session.Login) (jsonrpc.Outcome, error) {
				return b.Sessions.Login(ctx, c, p)
			}),
		guarded("sys.node.list", FunctionSys, readPage, func(access.List) string { return "sys.node" },
			func(b *Bus, ctx context.Context, c *call.Call, p access.List) (jsonrpc.Outcome, error) {
				return b.Sessions.NodeList(ctx, c, p, Version)
			}),
		anybodys("sys.ping", FunctionSys, none, (*Bus).ping),
		anybodys("sys.reload", FunctionSys, none,
			func(b *Bus, ctx context.Context, c *call.Call, _ struct{}) (jsonrpc.Outcome, error) {
				return b.Sessions.Reload(ctx, c)
			}),
		guarded("sys.session.count", FunctionSys, readCount, countSubject,
			func(b *Bus, ctx context.Context, c *call.Call, p access.Count) (jsonrpc.Outcome, error) {
				return b.Sessions.Count(ctx, c, p)
			}),
		// It is about others: who kicks and leaves means it.
		outlives(judged("sys.session.kick", FunctionSys, session.ReadSelect,
			func(b *Bus, ctx context.Context, c *call.Call, p session.Select, may func(string) bool) (jsonrpc.Outcome, error) {
				return b.Sessions.Kick(ctx, c, p, may)
			})),
		guarded("sys.session.list", FunctionSys, readList, listSubject,
			func(b *Bus, ctx context.Context, c *call.Call, p access.List) (jsonrpc.Outcome, error) {
				return b.Sessions.List(ctx, c, p)
			}),
		// As sys.session.kick.
		outlives(judged("sys.session.reload", FunctionSys, session.ReadSelect,
			func(b *Bus, ctx context.Context, c *call.Call, p session.Select, may func(string) bool) (jsonrpc.Outcome, error) {
				return b.Sessions.ReloadOthers(ctx, c, p, may)
			})),
		only(V1, anybodys("sys.version", FunctionSys, none, (*Bus).version)),
		anybodys("sys.watchdog", FunctionSys, session.ReadWatchdog,
			func(b *Bus, ctx context.Context, c *call.Call, p session.Watchdog) (jsonrpc.Outcome, error) {
				return b.Sessions.Watchdog(ctx, c, p)
			}),
	}
}

func (b *Bus) ping(_ context.Context, c *call.Call, _ struct{}) (jsonrpc.Outcome, error) {
	if c.Node.Stage == V0 {
		return `"result":"pong"`, nil
	}
	return jsonrpc.OK, nil
}

// Version is the version of Nexus that dialect v1 speaks.
const Version = "1.9.0"

func (b *Bus) version(context.Context, *call.Call, struct{}) (jsonrpc.Outcome, error) {
	return `"result":{"version":"` + Version + `"}`, nil
}
