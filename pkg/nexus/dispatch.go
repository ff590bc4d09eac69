package nexus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/session"
)

// Origin is the connection that an event is about.
type Origin struct {
	Stage        string
	ConnectionID string // API Gateway's
	IP           string
	Protocol     string // wss or ws; of Connected only
	Request      string // unique to this event
	// CloseCode and CloseReason are of Disconnected only: the status of the WebSocket's close as API Gateway gives it, with its text. 1009 is CloseTooBig; 1005
	// where the client's close frame had none, 1006 where there was no close frame, 0 where API Gateway does not say.
	CloseCode   int
	CloseReason string
	// At is when API Gateway took it, in whole milliseconds: by one clock for all connections. Zero where that is not known.
	At time.Time
}

// CloseTooBig is the status (RFC 6455) with which API Gateway closes a connection whose client sent a frame over 32 KB, or a message over 128 KB.
const CloseTooBig = 1009

// Connected is a new connection, perhaps with credentials (nil: none). It must not be accepted if this fails; ErrUnauthorized where it brings wrong ones, or,
// on a bus whose access is closed, none.
func (b *Bus) Connected(ctx context.Context, o Origin, by *Credentials) error {
	ctx, publish := b.hooks.Collect(b.taken(ctx, &o))
	defer publish()
	connid, err := b.post.Connid(o.Stage, o.ConnectionID)
	if err != nil {
		return err
	}
	switch {
	case by != nil:
		err = b.Sessions.ConnectAs(ctx, connid, o.IP, o.Protocol, o.Request, by.User, by.Pass)
		if _, refused := errors.AsType[*jsonrpc.Error](err); refused {
			return ErrUnauthorized // why is nobody's business who has not logged in
		}
	case b.closed:
		return ErrUnauthorized
	default:
		err = b.Sessions.Connect(ctx, connid, o.IP, o.Protocol)
	}
	if err != nil {
		return err
	}
	b.Sessions.ReportLoad(ctx)
	return nil
}

// Disconnected is a connection that has ended, however it did.
func (b *Bus) Disconnected(ctx context.Context, o Origin) error {
	ctx, publish := b.hooks.Collect(b.taken(ctx, &o))
	defer publish()
	connid, err := b.post.Connid(o.Stage, o.ConnectionID)
	if err != nil {
		return err
	}
	return b.Sessions.Disconnected(ctx, connid, o.At, o.CloseCode == CloseTooBig)
}

// Message carries out a request and posts its answer. The error it returns says that the caller may have got none, and why; it is for the log.
func (b *Bus) Message(ctx context.Context, o Origin, body []byte) error {
	ctx, publish := b.hooks.Collect(b.taken(ctx, &o))
	defer publish()
	connid, err := b.post.Connid(o.Stage, o.ConnectionID)
	if err != nil {
		return err
	}
	req, bad := jsonrpc.Parse(body)
	if bad != nil {
		return b.answer(ctx, connid, jsonrpc.Answer(req.ID, jsonrpc.Failure(bad)))
	}
	c := &call.Call{Connid: connid, ID: req.ID, Request: o.Request, Node: b.nodes[o.Stage], IP: o.IP, At: o.At}
	limited, stop := inTime(ctx)
	outcome, err := b.run(limited, c, req, len(body))
	stop()
	if call.IsRecorded(err) {
		return fmt.Errorf("%s, answered from its record: %w", req.Method, err)
	}
	var unknown error
	if err != nil {
		e, known := jsonrpc.From(err)
		if !known {
			unknown = fmt.Errorf("%s: %w", req.Method, err)
		}
		outcome = jsonrpc.Failure(e)
	}
	if outcome != "" && !req.Notification() {
		unknown = errors.Join(unknown, b.answer(ctx, connid, jsonrpc.Answer(req.ID, outcome)))
	}
	if errors.Is(err, session.ErrEnded) { // a connection without a session is of no use to its client, which may not know
		unknown = errors.Join(unknown, b.post.Close(ctx, connid))
	}
	return unknown
}

// taken returns the context of an event's handler, and sees to it that the time is known at which API Gateway took the event.
func (b *Bus) taken(ctx context.Context, o *Origin) context.Context {
	if o.At.IsZero() {
		o.At = b.now().Truncate(time.Millisecond)
	}
	return call.Taken(ctx, o.At)
}

// answering is how much of a function's time is kept for the answer: a call that has no end by then is told -32603, where its caller would hear nothing.
const answering = time.Second

// inTime returns the context of a call, which ends before that of its function: by the same clock, which is the machine's whatever the bus' is.
func inTime(ctx context.Context) (context.Context, context.CancelFunc) {
	end, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, end.Add(-answering))
}

// run finds the method, reads its params, then asks for permission, and only then looks at anything else. size is that of the message, in bytes.
func (b *Bus) run(ctx context.Context, c *call.Call, req *jsonrpc.Request, size int) (outcome jsonrpc.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if size > session.MaxBeforeLogin {
		if in, _, err := b.Sessions.Entered(ctx, c.Connid); err != nil && !errors.Is(err, session.ErrEnded) {
			return "", err
		} else if err == nil && !in {
			return "", jsonrpc.Err(jsonrpc.LimitExceeded, "over 4 KB before a login")
		}
	}
	m, ok := b.methods[req.Method]
	if !ok || (m.Only != "" && c.Node.Stage != m.Only) {
		return "", jsonrpc.Err(jsonrpc.MethodNotFound, "")
	}
	params := jsonrpc.ReadParams(req.Params)
	p := m.prepare(b, params)
	if err := params.Err(); err != nil {
		return "", err
	}
	if p.guarded || p.judged {
		c.Session, err = b.Sessions.Load(ctx, c.Connid)
		if errors.Is(err, session.ErrEnded) && p.outlives {
			c.Session, err = b.Sessions.LoadEnded(ctx, c.Connid, c.At)
		}
		if err != nil {
			return "", err
		}
	}
	if p.entered {
		in, tags, err := b.Sessions.Entered(ctx, c.Connid)
		if errors.Is(err, session.ErrEnded) && p.outlives {
			c.Session, err = b.Sessions.LoadEnded(ctx, c.Connid, c.At)
			in, tags = c.Session.User != call.Nobody, c.Session.Tags
		}
		if err != nil {
			return "", err
		}
		if !in && !nobodyMay(m.Name, tags) {
			return "", jsonrpc.Err(jsonrpc.PermissionDenied, "")
		}
	}
	if p.guarded && !p.allows(m.Name, c) || p.judged && !c.Session.Tags.AllowsAny(m.Name) {
		return "", jsonrpc.Err(jsonrpc.PermissionDenied, "")
	}
	return p.run(ctx, c)
}

// answer posts to the caller. A caller that is gone ends its session.
func (b *Bus) answer(ctx context.Context, connid string, message []byte) error {
	err := b.post.Post(ctx, connid, message)
	if errors.Is(err, deliver.ErrGone) {
		return b.Sessions.End(ctx, connid, false)
	}
	return err
}

// Sweep is the watchdog's round.
func (b *Bus) Sweep(ctx context.Context) error {
	ctx, publish := b.hooks.Collect(ctx)
	defer publish()
	b.Sessions.ReportLoad(ctx)
	return b.Sessions.Sweep(deliver.Hasty(ctx), nil)
}
