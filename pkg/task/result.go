package task

import (
	"context"

	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Finish is what task.result and task.error take: the task and its outcome.
type Finish struct {
	Taskid  string
	Outcome jsonrpc.Outcome
}

// ReadResult reads task.result's params.
func ReadResult(p *jsonrpc.Params) Finish {
	result, _ := p.Raw("result")
	if len(result) > MaxBody {
		p.Fail("result", tooLong)
	}
	return Finish{Taskid: p.String("taskid"), Outcome: jsonrpc.Success(result)}
}

// maxMessage is how long an error's message may be, with the code, in bytes of JSON: with the longest data it still fits an answer.
const maxMessage = 4 << 10

// ReadError reads task.error's params. Without data, or with null, the pusher's error has none. A code that is no whole number is refused; the
// specification's example and Nexus use numbers.
func ReadError(p *jsonrpc.Params) Finish {
	e := jsonrpc.Error{Code: jsonrpc.Code(p.OptInt("code", 0)), Message: p.OptString("message", "")}
	if p.Has("data") {
		e.Data, _ = p.Raw("data")
	}
	if len(e.Data) > MaxBody {
		p.Fail("data", tooLong)
	}
	o := jsonrpc.Failure(&e)
	if len(o)-len(e.Data) > maxMessage {
		p.Fail("message", "over 4 KB of JSON")
	}
	return Finish{Taskid: p.String("taskid"), Outcome: o}
}

// Finish carries out task.result and task.error. Any session may finish a task that it knows, waiting or working; the first one wins. One of the bus'
// own is finished by the session that it was handed to.
func (t *Tasks) Finish(ctx context.Context, c *call.Call, p Finish) (jsonrpc.Outcome, error) {
	return "", t.finishFor(ctx, c, p.Taskid, actionFinish, p.Outcome)
}

// finishFor ends a task by a client's call, which finish answers. Past its deadline a task is the deadline's.
func (t *Tasks) finishFor(ctx context.Context, c *call.Call, taskid, action string, o jsonrpc.Outcome) error {
	k, ok := parseTaskid(taskid)
	if !ok {
		return invalid(taskid)
	}
	lost, old, err := t.finish(ctx, k, end{outcome: o, request: c.Request, by: c, actions: []string{action},
		only: "#kind = :task AND #dl > :now" + onlyHolder, values: store.Item{":task": store.S(kindTask), ":me": store.S(c.Connid)}})
	if err != nil || !lost {
		return err
	}
	if old.Str("kind") == kindTask {
		t.passExpired(ctx, k, old)
	}
	return invalid(taskid)
}
