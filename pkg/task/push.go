package task

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// Push is what task.push takes.
type Push struct {
	Path, Method string // of the task's method a.b.c: a.b. and c
	Params       json.RawMessage
	Detached     bool
	Prio         int64
	TTL          int64
	Timeout      time.Duration
}

// Subject is the name that a push needs permission on.
func (p Push) Subject() string {
	if p.Path == "." {
		return p.Method
	}
	return p.Path + p.Method
}

// ReadPush reads task.push's params.
func ReadPush(p *jsonrpc.Params) Push {
	var out Push
	var err error
	out.Path, out.Method, err = access.TaskMethod(p.String("method"))
	p.Check("method", err)
	params, ok := p.Raw("params")
	if !ok {
		p.Fail("params", "")
	}
	if len(params) > MaxBody {
		p.Fail("params", tooLong)
	}
	out.Params = params
	out.Detached = p.OptBool("detached", "detach")
	out.Prio = p.OptInt("prio", 0)
	if out.TTL = p.OptBound("ttl", DefaultTTL); out.TTL < 1 {
		out.TTL = DefaultTTL
	}
	out.Timeout = p.OptSeconds("timeout", DefaultTimeout)
	return out
}

const tooLong = "over 120 KB"

// maxAnswered is how long params, tags and names of a task may be together, in bytes of JSON, so that the rest of a pull's answer, or of a listing of this
// one task, still fits 128 KB. Only names full of control characters bring it about that MaxBody alone is not enough.
const maxAnswered = 126 << 10

// How many waiting pulls a push tries to convert before it queues up like everybody else.
const converts = 4

// Push carries out task.push. A push is answered by who finishes the task; a detached one as soon as the task is stored.
func (t *Tasks) Push(ctx context.Context, c *call.Call, p Push) (jsonrpc.Outcome, error) {
	now := t.Now()
	n := &task{path: p.Path, method: p.Method, user: c.Session.User, params: p.Params, tags: access.TagSetJSON(c.Session.Tags.InForce(p.Subject())),
		all: c.Session.Tags, prio: p.Prio, ttl: p.TTL, detached: p.Detached, created: now, deadline: now.Add(p.Timeout), pusher: c.Connid, pusherID: c.ID,
		pusherRow: call.Fresh(now, t.NewID(), c.ID), push: c.Request, order: taskOrder(p.Prio, now, t.NewID())}
	if len(n.params)+len(n.tags) > MaxBody {
		return "", jsonrpc.Err(jsonrpc.InvalidParams, "params: with the tags "+tooLong)
	}
	return t.push(ctx, n)
}

// deliverable refuses a task that no pull could be answered with, nor a listing show: its names may be six times as long in JSON as they are.
func (n *task) deliverable() error {
	path := len(jsonrpc.AppendString(nil, n.path))
	names := 2*path + len(jsonrpc.AppendString(nil, n.method)) + len(jsonrpc.AppendString(nil, n.user)) // the taskid holds the path too
	if len(n.params)+len(n.tags)+names > maxAnswered {
		return jsonrpc.Err(jsonrpc.InvalidParams, "params: with the tags and the names of task and user they do not fit one message")
	}
	return nil
}

// push hands a new task to a pull that waits, or stores it.
func (t *Tasks) push(ctx context.Context, n *task) (jsonrpc.Outcome, error) {
	if err := n.deliverable(); err != nil {
		return "", err
	}
	var pulls, tasks []queued
	err := errors.Join(together(
		func() (err error) { pulls, err = t.look(ctx, n.path, queuedPull); return err },
		func() (err error) { tasks, err = t.look(ctx, n.path, queuedTask); return err },
		func() error { return t.remember(ctx, n.path, n.deadline) },
		func() (err error) {
			if len(n.params)+len(n.tags) > inline {
				n.body, err = t.putBody(ctx, n.deadline, store.Item{"params": store.S(string(n.params)), "tags": store.S(string(n.tags))})
			}
			return err
		})...)
	if err != nil {
		return "", err
	}
	if len(tasks) == 0 {
		for range min(converts, len(pulls)) {
			i := t.Pick(len(pulls))
			k := pulls[i].key
			pulls[i] = pulls[len(pulls)-1]
			pulls = pulls[:len(pulls)-1]
			if may, err := t.mayServe(ctx, k); err != nil || !may {
				if err != nil {
					return "", err
				}
				continue
			}
			e, err := t.convert(ctx, k, n)
			if err != nil {
				return "", err
			}
			if e != nil {
				return "", call.Recorded(t.converted(ctx, e))
			}
		}
	}
	return "", t.queueUp(ctx, n)
}

// convert makes a waiting pull the task that it was waiting for, beside setting the timer of a near deadline. It returns nil if the pull was
// taken meanwhile.
func (t *Tasks) convert(ctx context.Context, k key, n *task) (*item, error) {
	set := n.attributes()
	set["state"], set["at"], set["worked"] = store.S(working), store.Millis(t.Now()), store.Millis(t.Now())
	set["att"], set["mc"], set["mr"] = store.N(1), store.S(n.pusher), store.S(n.pusherRow)
	update, vals := assign(set)
	vals[":pull"], vals[":waiting"], vals[":now"] = store.S(kindPull), store.S(waiting), store.Millis(t.Now())
	var i store.Item
	errs := together(
		func() (err error) {
			// Key: the pull. Condition: it is still a pull that waits, its deadline ahead. Effect: it is the task, working, bound to the
			// pull's session; the row that will mark its hand-over is the pusher's, not yet written. A loser finds that another took
			// the pull, or that it ended, or, by the request id, that it was itself.
			i, err = t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: k.item(), Update: update + " REMOVE #queue, #armed",
				If: "#kind = :pull AND #state = :waiting AND #dl > :now" + notRefused(":push_"), Values: vals})
			return err
		},
		func() error { return t.setTimer(ctx, k, kindTask, n.deadline) },
		func() error { t.noteServed(ctx, n.path); return nil })
	if old, lost := store.Lost(errs[0]); lost {
		if old.Str("push") != n.push {
			t.passExpired(ctx, k, old)
			return nil, nil
		}
		i, errs[0] = old, nil
	}
	if errs[0] != nil {
		return nil, t.unsure(ctx, k, n.push, errs[0])
	}
	if errs[1] != nil {
		t.Log.Warn("repair will set the timer", "error", errs[1])
	}
	e := decode(i)
	e.params, e.tags, e.body = n.params, n.tags, ""
	t.notePush(ctx, k, n)
	if e.mark.Row == n.pusherRow { // and not returned while the write was being repeated
		t.notePull(ctx, e, e.worker, e.workerUser)
	}
	return e, nil
}

// assign makes the SET clause that gives attributes their values.
func assign(set store.Item) (update string, vals store.Item) {
	vals = make(store.Item, len(set)+4)
	for _, name := range sortedNames(set) {
		if update == "" {
			update = "SET "
		} else {
			update += ", "
		}
		update += "#" + name + " = :" + name + "_"
		vals[":"+name+"_"] = set[name]
	}
	return update, vals
}

// converted hands over the task that a pull was converted to, answers a detached push, and then puts the row that marks both.
func (t *Tasks) converted(ctx context.Context, e *item) error {
	answer, err := t.pulled(ctx, e)
	if err != nil {
		return err
	}
	worker, workerID := e.worker, e.workerID
	returned := e.mark.Row != e.pusherRow
	if returned {
		// While the write was being repeated. The pull gets what the item owes it: the row says that it did.
		debt := e.debts[e.push]
		worker, workerID, answer = debt.connid, debt.id, debt.answer
	}
	errs := together(
		func() error { return t.post(ctx, worker, workerID, answer) },
		func() error { return t.answerDetached(ctx, e.pusher, e.pusherID, e.detached) })
	toWorker, toPusher := errs[0], errs[1]
	mark := func() error {
		switch {
		case posted(toPusher):
		case deliver.OnlyUndelivered(toPusher): // the row marks the hand-over too
			if err := t.oweOK(ctx, e); err != nil {
				return err
			}
		default:
			return nil // repair answers
		}
		return t.Rows.Put(ctx, t.pusherRowOf(e))
	}
	switch {
	case toWorker == nil:
		toWorker = mark()
	case isGone(toWorker) && returned:
		toWorker = errors.Join(mark(), t.Sessions.End(ctx, worker, false))
	case isGone(toWorker):
		// The row comes after the return: the end of the worker's session would take a marked hand-over for one that was seen.
		toWorker = t.refused(ctx, e, mark)
	}
	if isGone(toPusher) {
		toPusher = t.Sessions.End(ctx, e.pusher, false)
	}
	return errors.Join(toWorker, toPusher, t.expireIfDue(ctx, e.key, kindTask, e.deadline))
}

// pusherRowOf is the row that says that a task's push is done with.
func (t *Tasks) pusherRowOf(e *item) call.Row {
	return call.Row{Key: call.Key{Connid: e.pusher, Row: e.pusherRow}, Kind: Kind, Item: e.key, ID: e.pusherID}
}

func (t *Tasks) answerDetached(ctx context.Context, pusher string, id json.RawMessage, detached bool) error {
	if !detached {
		return nil
	}
	return t.post(ctx, pusher, id, jsonrpc.OK)
}

// queueUp stores a task that waits, beside setting the timer of a near deadline, and then looks again: a pull that came meanwhile may have
// seen no task.
func (t *Tasks) queueUp(ctx context.Context, n *task) error {
	own := queued{key{t.home(n.path), t.NewID()}, n.order}
	i := n.attributes()
	i["part"], i["id"], i["state"], i["queue"], i["att"] = store.S(own.key[0]), store.S(own.key[1]), store.S(waiting), store.S(n.order), store.N(0)
	i["cc"], i["cr"], i["debts"] = store.S(n.pusher), store.S(n.pusherRow), store.M(store.Item{})
	made := together(
		func() error {
			// Key: a new id. Condition: there is nothing yet. Effect: the task waits. A loser is this very write, repeated after its
			// response was lost; nobody deletes the item before its row is put below.
			_, err := t.DB.Do(ctx, store.Write{Table: store.Tasks, Item: i, If: "attribute_not_exists(#id)"})
			if old, lost := store.Lost(err); lost && old.Str("push") == n.push {
				return nil
			}
			return err
		},
		func() error { return t.setTimer(ctx, own.key, kindTask, n.deadline) })
	if made[0] != nil {
		return t.unmade(ctx, own.key, made[0])
	}
	t.notePush(ctx, own.key, n)
	errs := together(
		func() error {
			err := t.answerDetached(ctx, n.pusher, n.pusherID, n.detached)
			if err != nil && !isGone(err) {
				return err // no row: repair answers
			}
			put := t.Rows.Put(ctx, t.pusherRowOf(&item{key: own.key, pusher: n.pusher, pusherRow: n.pusherRow, pusherID: n.pusherID}))
			if isGone(err) {
				return errors.Join(put, t.Sessions.End(ctx, n.pusher, false))
			}
			return put
		},
		func() error { return t.settleTask(ctx, n.path, &own) })
	return call.Recorded(errors.Join(made[1], errors.Join(errs...), t.expireIfDue(ctx, own.key, kindTask, n.deadline)))
}

// setTimer sends the message for a deadline that is near. Farther ones get theirs from repair: most of what has them is over long before.
func (t *Tasks) setTimer(ctx context.Context, k key, kind string, deadline time.Time) error {
	left := deadline.Sub(t.Now())
	if left > soon {
		return nil
	}
	return t.Timer.After(ctx, left, timer.Wake{Kind: WakeDeadline, Key: []string{k[0], k[1], kind}})
}
