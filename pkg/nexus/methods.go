package nexus

import (
	"context"
	"slices"
	"strings"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
)

// The functions that methods are routed to: the folders of functions/ that serve the WebSocket.
const (
	FunctionConnection = "connection"
	FunctionPipe       = "pipe"
	FunctionSync       = "sync"
	FunctionSys        = "sys"
	FunctionTask       = "task"
	FunctionTopic      = "topic"
	FunctionUser       = "user"
)

// Method is a row of the method table.
type Method struct {
	Name     string
	Function string
	// Only is the one stage whose dialect has the method; empty: all have.
	Only string
	// prepare reads the params. It returns what the guard needs and what runs the call.
	prepare func(b *Bus, p *jsonrpc.Params) prepared
}

// prepared is a call whose params are read, but not yet known to be good.
type prepared struct {
	// outlives says that the call is carried out though its session has ended, if API Gateway took it before: it makes sense without its caller.
	outlives bool
	entered  bool   // who has not logged in needs a tag
	judged   bool   // the session must allow the method on something; the call, which finds its subjects itself, asks for permission on each
	guarded  bool   // the session must allow the method on the subject
	subject  string // what permission is needed on
	// self may allow what the tags do not, as far as the call is on oneself (call.Call.Oneself); nil never does.
	self func(c *call.Call) bool
	// besides is a second permission that is needed, if it names a tag.
	besides permission
	run     func(ctx context.Context, c *call.Call) (jsonrpc.Outcome, error)
}

// permission is a tag, without its @, in force on a subject. @admin stands for any.
type permission struct{ tag, subject string }

// allows is the guard: it tells whether a call's session has the permissions that the call needs.
func (p *prepared) allows(name string, c *call.Call) bool {
	if !c.Session.Tags.Allows(name, p.subject) {
		if p.self == nil || !p.self(c) {
			return false
		}
		c.Oneself = true
	}
	return p.besides.tag == "" || c.Session.Tags.Allows(p.besides.tag, p.besides.subject)
}

// anybodys is a method that needs neither a tag nor a login.
func anybodys[P any](name, function string, read func(*jsonrpc.Params) P, run func(*Bus, context.Context, *call.Call, P) (jsonrpc.Outcome, error)) Method {
	return Method{Name: name, Function: function, prepare: func(b *Bus, p *jsonrpc.Params) prepared {
		params := read(p)
		return prepared{run: func(ctx context.Context, c *call.Call) (jsonrpc.Outcome, error) { return run(b, ctx, c, params) }}
	}}
}

// free is a method that needs no tag of who has logged in.
func free[P any](name, function string, read func(*jsonrpc.Params) P, run func(*Bus, context.Context, *call.Call, P) (jsonrpc.Outcome, error)) Method {
	m := anybodys(name, function, read, run)
	prepare := m.prepare
	m.prepare = func(b *Bus, p *jsonrpc.Params) prepared {
		out := prepare(b, p)
		out.entered = true
		return out
	}
	return m
}

// nobodyMay tells whether who has not logged in may call a method that asks nobody else for a tag: by one in force on everything that names the
// method or the family before its dot (@pipe).
func nobodyMay(name string, tags access.Tags) bool {
	family, _, _ := strings.Cut(name, ".")
	return tags.Allows(name, ".") || tags.Allows(family, ".")
}

// guarded is a method that needs the tag of its name, or @admin, on a subject.
func guarded[P any](name, function string, read func(*jsonrpc.Params) P, subject func(P) string,
	run func(*Bus, context.Context, *call.Call, P) (jsonrpc.Outcome, error)) Method {
	return Method{Name: name, Function: function, prepare: func(b *Bus, p *jsonrpc.Params) prepared {
		params := read(p)
		return prepared{guarded: true, subject: subject(params), run: func(ctx context.Context, c *call.Call) (jsonrpc.Outcome, error) {
			if l, ok := any(&params).(interface{ Compile() error }); ok { // a list's filter: it costs, and nobody else may have it done
				if err := l.Compile(); err != nil {
					return "", jsonrpc.Err(jsonrpc.InvalidParams, "filter: "+err.Error())
				}
			}
			return run(b, ctx, c, params)
		}}
	}}
}

// twice is a method that is guarded and needs a second permission besides.
func twice[P any](name, function string, read func(*jsonrpc.Params) P, subject func(P) string, besides func(P) permission,
	run func(*Bus, context.Context, *call.Call, P) (jsonrpc.Outcome, error)) Method {
	return Method{Name: name, Function: function, prepare: func(b *Bus, p *jsonrpc.Params) prepared {
		params := read(p)
		return prepared{guarded: true, subject: subject(params), besides: besides(params),
			run: func(ctx context.Context, c *call.Call) (jsonrpc.Outcome, error) { return run(b, ctx, c, params) }}
	}}
}

// judged is a method that finds out itself what it needs permission on, and asks for it by its name. Who has that on nothing at all is refused before.
func judged[P any](name, function string, read func(*jsonrpc.Params) P,
	run func(b *Bus, ctx context.Context, c *call.Call, p P, may func(subject string) bool) (jsonrpc.Outcome, error)) Method {
	return Method{Name: name, Function: function, prepare: func(b *Bus, p *jsonrpc.Params) prepared {
		params := read(p)
		return prepared{judged: true, run: func(ctx context.Context, c *call.Call) (jsonrpc.Outcome, error) {
			return run(b, ctx, c, params, func(subject string) bool { return c.Session.Tags.Allows(name, subject) })
		}}
	}}
}

// Methods returns the method table. Nothing else in the bus tells methods apart by their name.
func Methods() []Method {
	return slices.Concat(pipeMethods(), syncMethods(), sysMethods(), taskMethods(), topicMethods(), userMethods())
}

// only keeps a method to the dialect of one stage.
func only(stage string, m Method) Method {
	m.Only = stage
	return m
}

// outlives is a method whose calls are carried out though their session has ended, if API Gateway took them before that: $disconnect may overtake what was
// sent before it. It is for what changes something that others see, and is not the session's own: what only answers has nobody to answer, and what belongs
// to a session (a pull, a read, a lock, a pipe) would end with it. The session's user and tags are those that it ended with.
func outlives(m Method) Method {
	return outlivesIf(m, none, func(struct{}) bool { return true })
}

// outlivesIf is outlives for calls with some params.
func outlivesIf[P any](m Method, read func(*jsonrpc.Params) P, does func(P) bool) Method {
	prepare := m.prepare
	m.prepare = func(b *Bus, p *jsonrpc.Params) prepared {
		out := prepare(b, p)
		out.outlives = does(read(p))
		return out
	}
	return m
}

// onSelf lets a session do to its own user what it has no tag for. Whether the user of that name is the one who logged in is known to who reads it.
func onSelf(m Method) Method {
	return selfIf(m, func(*call.Call, string) bool { return true })
}

// onSelfUnlessDenied is onSelf, but for a tag in force that is explicitly false.
func onSelfUnlessDenied(m Method) Method {
	return selfIf(m, func(c *call.Call, subject string) bool { return !c.Session.Tags.Denies(m.Name, subject) })
}

func selfIf(m Method, may func(c *call.Call, subject string) bool) Method {
	prepare := m.prepare
	m.prepare = func(b *Bus, p *jsonrpc.Params) prepared {
		out := prepare(b, p)
		out.self = func(c *call.Call) bool {
			return c.Session.User == out.subject && c.Session.User != call.Nobody && may(c, out.subject)
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
	filter := p.OptString("filter", "")
	p.Check("filter", access.CheckExpression(filter))
	depth := clamp(p.OptBound("depth", -1), -1)
	list := readPage(p)
	list.Prefix, list.Expression, list.Depth = prefix, filter, depth
	return list
}

// readPage reads what a list call takes that has no names to select by.
func readPage(p *jsonrpc.Params) access.List {
	limit := clamp(p.OptBound("limit", access.DefaultLimit), 0)
	return access.List{Limit: limit, Named: limit > 0 && p.Has("limit"), Skip: clamp(p.OptBound("skip", 0), 0)}
}

// readCount reads what every count call takes. Nexus knows no limit of the rows that subprefixes brings: they are cut only where one is asked for.
func readCount(p *jsonrpc.Params) access.Count {
	out := access.Count{List: readList(p), Subprefixes: p.OptBool("subprefixes")}
	if !p.Has("limit") {
		out.Limit = 0
	}
	return out
}

// countSubject is the name a count call needs permission on.
func countSubject(c access.Count) string { return listSubject(c.List) }

// clamp brings a number within what an int holds anywhere, and no listing reaches.
func clamp(n, least int64) int { return int(min(max(n, least), 1<<30)) }

// listSubject is the name a list call needs permission on: the prefix listed.
func listSubject(l access.List) string { return l.Prefix }
