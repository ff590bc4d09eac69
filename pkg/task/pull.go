package task

import (
	"context"
	"errors"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Pull is what task.pull takes.
type Pull struct {
	Path    string
	Timeout time.Duration // 0: for ever
}

// Subject is the name that a pull needs permission on.
func (p Pull) Subject() string { return p.Path }

// ReadPull reads task.pull's params.
func ReadPull(p *jsonrpc.Params) Pull {
	path, err := access.TaskPrefix(p.String("prefix"))
	p.Check("prefix", err)
	return Pull{Path: path, Timeout: p.OptSeconds("timeout", 0)}
}

// forEver is how long a pull without timeout waits: longer than its connection lasts, whose end takes it away.
const forEver = 3 * time.Hour

// Pull carries out task.pull: it takes the first task that waits, or waits for one. A notification does nothing, since a pull exists only for
// its answer. -32010 if it is of a login method's tasks and the session may not vouch for users.
func (t *Tasks) Pull(ctx context.Context, c *call.Call, p Pull) (jsonrpc.Outcome, error) {
	if vouches(p.Path) && !c.Session.Tags.MayVouch(p.Path) {
		return "", jsonrpc.Err(jsonrpc.PermissionDenied, "")
	}
	if c.ID == nil {
		return "", nil
	}
	t.noteServed(ctx, p.Path)
	for range rounds {
		tasks, err := t.look(ctx, p.Path, queuedTask)
		if err != nil {
			return "", err
		}
		full := len(tasks) == candidates
		for n := 0; n < len(tasks); n++ {
			e, expired, err := t.take(ctx, tasks[n].key, c)
			if err != nil {
				return "", err
			}
			if expired {
				tasks = append(tasks[:n+1], t.passAllExpired(ctx, tasks[n+1:])...)
			}
			if e != nil && e.mark.Connid == "" {
				return "", nil // given back while the claim was being repeated: the pull is owed its answer
			}
			if e != nil {
				return "", call.Recorded(t.handOver(ctx, e))
			}
		}
		if !full {
			break
		}
	}
	return "", t.wait(ctx, c, p)
}

// take claims a task for a pull; nil if another was first, or it had expired and was told so. An item without a mark was given back since, and owes the
// pull its answer.
func (t *Tasks) take(ctx context.Context, k key, c *call.Call) (e *item, expired bool, err error) {
	now := t.Now()
	mark := call.Key{Connid: c.Connid, Row: call.Fresh(now, t.NewID(), c.ID)}
	i, err := t.DB.Do(ctx, claim(k, c.Connid, c.ID, c.Request, mark, now))
	if old, lost := store.Lost(err); lost {
		switch {
		case old.Str("claim") == c.Request:
			i, err = old, nil
		case old.Map("debts")[c.Request] != nil:
			return &item{}, false, nil // given back, and claimed by another, while the claim was being repeated
		case store.Repeated(err):
			// An attempt before may be under way still, and come when the task waits again and the pull has another.
			there, unknown := t.refuse(ctx, k, c.Request)
			if there {
				return nil, false, call.Recorded(err)
			}
			if unknown != nil { // the pull goes on: to be answered is what matters most
				t.Log.Warn("refuse a claim", "task", k.taskid(), "error", unknown)
			}
		}
		if err != nil {
			t.passExpired(ctx, k, old)
			return nil, t.hasExpired(old), nil
		}
	}
	if err != nil {
		return nil, false, t.unsure(ctx, k, c.Request, err)
	}
	e = decode(i)
	t.notePull(ctx, e, c.Connid, c.Session.User)
	return e, false, nil
}

// wait stores a pull, beside setting the timer of a near deadline, and then looks again: a push that came meanwhile may have seen no pull.
func (t *Tasks) wait(ctx context.Context, c *call.Call, p Pull) error {
	now := t.Now()
	timeout := p.Timeout
	if timeout == 0 || timeout > forEver {
		timeout = forEver
	}
	e := &item{key: key{t.home(p.Path), t.NewID()}, kind: kindPull, state: waiting, deadline: now.Add(timeout), worker: c.Connid, workerID: c.ID,
		workerUser: c.Session.User, maker: call.Key{Connid: c.Connid, Row: call.Fresh(now, t.NewID(), c.ID)}}
	i := store.Item{"part": store.S(e.key[0]), "id": store.S(e.key[1]), "kind": store.S(kindPull), "state": store.S(waiting),
		"queue": store.S(pullOrder(now, e.key[1])), "at": store.Millis(now), "dl": store.Millis(e.deadline),
		store.AttrExpires: store.N(expiry(e.deadline)), "wc": store.S(c.Connid), "wi": store.S(string(c.ID)), "pull": store.S(c.Request),
		"user": store.S(c.Session.User), "wu": store.S(c.Session.User), "created": store.Millis(now), "debts": store.M(store.Item{}),
		"cc": store.S(e.maker.Connid), "cr": store.S(e.maker.Row)}
	made := together(
		func() error {
			// Key: a new id. Condition: there is nothing yet. Effect: the pull waits. A loser is this very write, repeated after its
			// response was lost; nobody deletes the item before its row is put below.
			_, err := t.DB.Do(ctx, store.Write{Table: store.Tasks, Item: i, If: "attribute_not_exists(#id)"})
			if old, lost := store.Lost(err); lost && old.Str("pull") == c.Request {
				return nil
			}
			return err
		},
		func() error { return t.setTimer(ctx, e.key, kindPull, e.deadline) },
		func() error { return t.remember(ctx, p.Path, e.deadline) })
	if made[0] != nil {
		return t.unmade(ctx, e.key, made[0])
	}
	errs := together(
		func() error { return t.Rows.Put(ctx, call.Row{Key: e.maker, Kind: Kind, Item: e.key, ID: c.ID}) },
		func() error { return t.settlePull(ctx, e) })
	return call.Recorded(errors.Join(made[1], made[2], errors.Join(errs...), t.expireIfDue(ctx, e.key, kindPull, e.deadline)))
}
