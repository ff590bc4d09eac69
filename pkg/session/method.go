package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Tasks is what this family asks of tasks.
type Tasks interface {
	// PushThen pushes a task for a call that is answered by what Then makes of its outcome.
	PushThen(ctx context.Context, c *call.Call, path, method string, params json.RawMessage, timeout time.Duration, then string) (jsonrpc.Outcome, error)
}

// methodTimeout is how long the worker of a login method has.
const methodTimeout = 10 * time.Second

// byTask reads the params of a login by another method than the basic one. What they are is the worker's affair.
func (l Login) byTask(p *jsonrpc.Params) Login {
	var err error
	l.Path, l.Task, err = access.TaskMethod("sys.login." + l.Method + ".login")
	p.Check("method", err)
	l.Params = string(p.Whole())
	return l
}

// afterLogin is what a login's task carries: it, and then the request of the login that was the connection's last when the worker was asked.
const afterLogin = "login "

// askMethod asks the worker of a login method. Then goes on when it has answered, or did not.
func (s *Sessions) askMethod(ctx context.Context, c *call.Call, p Login, session store.Item) (jsonrpc.Outcome, error) {
	return s.Tasks.PushThen(ctx, c, p.Path, p.Task, json.RawMessage(p.Params), methodTimeout, afterLogin+session.Str("login"))
}

// vouched is what the worker of a login method said.
type vouched struct {
	user     string
	mask     access.Tags // nil: all tags stay
	metadata json.RawMessage
	after    string // the login before, which must still be the last
}

// Then goes on with a login when its method's task is over: it logs the connection in, or says why not. Asked again it finds that it did.
func (s *Sessions) Then(ctx context.Context, connid, request, then string, o jsonrpc.Outcome) (jsonrpc.Outcome, error) {
	answer, err := s.vouchedFor(ctx, connid, request, strings.TrimPrefix(then, afterLogin), o)
	if e, ok := errors.AsType[*jsonrpc.Error](err); ok {
		if e != ErrEnded {
			s.release(ctx, connid, request, methodTurn())
		}
		return jsonrpc.Failure(e), nil
	}
	return answer, err
}

func (s *Sessions) vouchedFor(ctx context.Context, connid, request, after string, o jsonrpc.Outcome) (jsonrpc.Outcome, error) {
	v, err := readVouched(o)
	if err != nil {
		return "", err
	}
	v.after = after
	item, err := s.load(ctx, connid)
	if err != nil {
		return "", err
	}
	if item.Str("login") == request { // asked again: what has changed since does not count
		return welcome(connid, item.Str("user"), item.Str("tags"), v.metadata), nil
	}
	in, err := s.Users.Admit(ctx, v.user, item.Str("ip"))
	if err != nil {
		return "", err
	}
	return s.enter(ctx, entry{connid: connid, request: request, ip: item.Str("ip"), seen: item["req"], in: in, vouched: v})
}

// readVouched reads a worker's answer. Its error, or that there was none in time, is -32010 with its code and text, as Nexus has them.
func readVouched(o jsonrpc.Outcome) (*vouched, error) {
	result, failure, err := o.Read()
	if err != nil {
		return nil, err
	}
	if failure != nil {
		return nil, jsonrpc.Err(jsonrpc.PermissionDenied, fmt.Sprintf("[%d] %s", failure.Code, failure.Message))
	}
	p := jsonrpc.ReadParams(result)
	v := &vouched{}
	v.user, err = access.UserName(p.String("user"))
	p.Check("user", err)
	if p.Has("tags") {
		raw, _ := p.Raw("tags")
		v.mask, err = access.ParseTags(raw)
		p.Check("tags", err)
	}
	v.metadata, _ = p.Raw("metadata")
	if p.Err() != nil {
		return nil, jsonrpc.Err(jsonrpc.PermissionDenied, "the login method's answer is not understood")
	}
	return v, nil
}
