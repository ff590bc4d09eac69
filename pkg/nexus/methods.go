package nexus

import (
	"context"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/session"
	"nexus/pkg/task"
	"nexus/pkg/user"
)

// The functions that methods are routed to: the folders of functions/ that serve the WebSocket.
const (
	FunctionConnection = "connection"
	FunctionSys        = "sys"
	FunctionTask       = "task"
	FunctionUser       = "user"
)

// Method is a row of the method table.
type Method struct {
	Name     string
	Function string
	// OnlyV1 says that dialect v0 does not have the method.
	OnlyV1 bool
	// prepare reads the params. It returns what the guard needs and what runs the call.
	prepare func(b *Bus, p *jsonrpc.Params) prepared
}

// prepared is a call whose params are read, but not yet known to be good.
type prepared struct {
	guarded bool   // the session is loaded and must allow the method on the subject
	subject string // what permission is needed on
	// self may allow what the tags do not; nil never does.
	self func(c *call.Call) bool
	run  func(ctx context.Context, c *call.Call) (jsonrpc.Outcome, error)
}

// free is a method that needs no tag.
func free[P any](name, function string, read func(*jsonrpc.Params) P, run func(*Bus, context.Context, *call.Call, P) (jsonrpc.Outcome, error)) Method {
	return Method{Name: name, Function: function, prepare: func(b *Bus, p *jsonrpc.Params) prepared {
		params := read(p)
		return prepared{run: func(ctx context.Context, c *call.Call) (jsonrpc.Outcome, error) { return run(b, ctx, c, params) }}
	}}
}

// guarded is a method that needs the tag of its name, or @admin, on a subject.
func guarded[P any](name, function string, read func(*jsonrpc.Params) P, subject func(P) string,
	run func(*Bus, context.Context, *call.Call, P) (jsonrpc.Outcome, error)) Method {
	return Method{Name: name, Function: function, prepare: func(b *Bus, p *jsonrpc.Params) prepared {
		params := read(p)
		return prepared{guarded: true, subject: subject(params),
			run: func(ctx context.Context, c *call.Call) (jsonrpc.Outcome, error) { return run(b, ctx, c, params) }}
	}}
}

// Methods returns the method table, by name. Nothing else in the bus tells methods apart by their name.
func Methods() []Method {
	return []Method{
		free("sys.login", FunctionSys, session.ReadLogin,
			func(b *Bus, ctx context.Context, c *call.Call, p session.Login) (jsonrpc.Outcome, error) {
				return b.Sessions.Login(ctx, c, p)
			}),
		free("sys.ping", FunctionSys, none, (*Bus).ping),
		free("sys.reload", FunctionSys, none,
			func(b *Bus, ctx context.Context, c *call.Call, _ struct{}) (jsonrpc.Outcome, error) {
				return b.Sessions.Reload(ctx, c)
			}),
		onlyV1(free("sys.version", FunctionSys, none, (*Bus).version)),
		free("sys.watchdog", FunctionSys, session.ReadWatchdog,
			func(b *Bus, ctx context.Context, c *call.Call, p session.Watchdog) (jsonrpc.Outcome, error) {
				return b.Sessions.Watchdog(ctx, c, p)
			}),
		free("task.cancel", FunctionTask, task.ReadCancel,
			func(b *Bus, ctx context.Context, c *call.Call, p task.Cancel) (jsonrpc.Outcome, error) {
				return b.Tasks.Cancel(ctx, c, p)
			}),
		free("task.error", FunctionTask, task.ReadError, finishTask),
		guarded("task.list", FunctionTask, readList, listSubject,
			func(b *Bus, ctx context.Context, c *call.Call, p access.List) (jsonrpc.Outcome, error) {
				return b.Tasks.List(ctx, c, p)
			}),
		guarded("task.pull", FunctionTask, task.ReadPull, task.Pull.Subject,
			func(b *Bus, ctx context.Context, c *call.Call, p task.Pull) (jsonrpc.Outcome, error) {
				return b.Tasks.Pull(ctx, c, p)
			}),
		guarded("task.push", FunctionTask, task.ReadPush, task.Push.Subject,
			func(b *Bus, ctx context.Context, c *call.Call, p task.Push) (jsonrpc.Outcome, error) {
				return b.Tasks.Push(ctx, c, p)
			}),
		free("task.reject", FunctionTask, task.ReadReject,
			func(b *Bus, ctx context.Context, c *call.Call, p task.Named) (jsonrpc.Outcome, error) {
				return b.Tasks.Reject(ctx, c, p)
			}),
		free("task.result", FunctionTask, task.ReadResult, finishTask),
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

func finishTask(b *Bus, ctx context.Context, c *call.Call, p task.Finish) (jsonrpc.Outcome, error) {
	return b.Tasks.Finish(ctx, c, p)
}

// onlyV1 keeps a method out of dialect v0.
func onlyV1(m Method) Method {
	m.OnlyV1 = true
	return m
}

// selfAllowed lets a session do to its own user what it has no tag for, unless the tag in force is explicitly false.
func selfAllowed(m Method) Method {
	prepare := m.prepare
	m.prepare = func(b *Bus, p *jsonrpc.Params) prepared {
		out := prepare(b, p)
		out.self = func(c *call.Call) bool {
			return c.Session.User == out.subject && c.Session.User != session.Nobody && !c.Session.Tags.Denies(m.Name, out.subject)
		}
		return out
	}
	return m
}

func none(*jsonrpc.Params) struct{} { return struct{}{} }

// readList reads what every list and count call takes.
func readList(p *jsonrpc.Params) access.List {
	prefix, err := access.ListPrefix(p.OptString("prefix", ""))
	p.Check("prefix", err)
	filter, err := access.CompileFilter(p.OptString("filter", ""))
	p.Check("filter", err)
	const most = 1 << 30
	return access.List{Prefix: prefix, Filter: filter, Depth: int(clamp(p.OptInt("depth", -1), -1, most)),
		Limit: int(clamp(p.OptInt("limit", access.DefaultLimit), 0, most)), Skip: int(clamp(p.OptInt("skip", 0), 0, most))}
}

func clamp(n, least, most int64) int64 { return min(max(n, least), most) }

// listSubject is the name a list call needs permission on: the prefix listed.
func listSubject(l access.List) string {
	if l.Prefix == "" {
		return "."
	}
	return l.Prefix
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
