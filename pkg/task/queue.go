package task

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"

	"nexus/pkg/call"
	"nexus/pkg/deliver"
	"nexus/pkg/store"
)

// queued is an item as a look shows it.
type queued struct {
	key
	order string
}

// look returns the first candidates of a path that wait, tasks or pulls, in their order. It reads strongly: both sides write and then look, so
// that at least one of them sees the other.
func (t *Tasks) look(ctx context.Context, path, kind string) ([]queued, error) {
	parts := t.partitions(path)
	found := make([][]queued, len(parts))
	steps := make([]func() error, len(parts))
	for n, part := range parts {
		steps[n] = func() error {
			items, _, err := t.DB.Query(ctx, store.Query{Table: store.Tasks, Index: store.IndexQueue, Limit: candidates,
				If:     "#part = :part AND begins_with(#queue, :kind)",
				Values: store.Item{":part": store.S(part), ":kind": store.S(kind)}})
			for _, i := range items {
				found[n] = append(found[n], queued{key{i.Str("part"), i.Str("id")}, i.Str("queue")})
			}
			return err
		}
	}
	err := errors.Join(together(steps...)...)
	if len(parts) == 1 {
		return found[0], err
	}
	all := slices.Concat(found...)
	slices.SortFunc(all, func(a, b queued) int { return strings.Compare(a.order, b.order) })
	return all[:min(len(all), candidates)], err
}

// rounds bounds how long one handler pairs for others; repair looks again at what still waits.
const rounds = 32

// settleTask pairs the head of a path's queue with pulls while any wait. A push passes its own task and stops when that is taken; the head
// comes first, though, or an acknowledged task could be overtaken.
func (t *Tasks) settleTask(ctx context.Context, path string, own *queued) error {
	for range rounds {
		pulls, err := t.look(ctx, path, queuedPull)
		if err != nil || len(pulls) == 0 {
			return err
		}
		tasks, err := t.look(ctx, path, queuedTask)
		if err != nil || len(tasks) == 0 || (own != nil && taken(*own, tasks)) {
			return err
		}
		i, err := t.DB.Get(ctx, store.Tasks, pulls[t.Pick(len(pulls))].item())
		if err != nil {
			return err
		}
		pull := decode(i)
		if pull.kind != kindPull || pull.state != waiting {
			continue
		}
		if may, err := t.mayServe(ctx, pull.key); err != nil {
			return err
		} else if !may {
			continue
		}
		switch paired, err := t.pair(ctx, tasks[0].key, pull); {
		case err != nil:
			return err
		case paired && own != nil && tasks[0].key == own.key:
			return nil
		}
	}
	return nil
}

// taken tells whether an item that waited does so no more, by a look at those that do: it is not among them though it would be.
func taken(own queued, look []queued) bool {
	last := look[len(look)-1]
	if own.order > last.order && len(look) == candidates {
		return false // beyond what the look showed
	}
	return !slices.ContainsFunc(look, func(q queued) bool { return q.key == own.key })
}

// settlePull pairs the head of a path's queue with a pull that waits, until the pull is taken or no task waits.
func (t *Tasks) settlePull(ctx context.Context, pull *item) error {
	for range rounds {
		tasks, err := t.look(ctx, pull.path(), queuedTask)
		if err != nil || len(tasks) == 0 {
			return err
		}
		i, err := t.DB.Get(ctx, store.Tasks, pull.item())
		if err != nil {
			return err
		}
		if now := decode(i); now.kind != kindPull || now.state != waiting {
			return nil
		}
		if may, err := t.mayServe(ctx, pull.key); err != nil || !may {
			return err
		}
		if paired, err := t.pair(ctx, tasks[0].key, pull); err != nil || paired {
			return err
		}
	}
	return nil
}

// pair gives a waiting task to a waiting pull, both as of a look just now, and hands it over. It tells whether it did; if not, one of them was
// taken meanwhile, or its deadline has passed and it was told so.
func (t *Tasks) pair(ctx context.Context, taskKey key, pull *item) (bool, error) {
	t.noteServed(ctx, pull.path())
	now := t.Now()
	request := t.NewID()
	mark := call.Key{Connid: pull.worker, Row: call.Fresh(now, t.NewID(), pull.workerID)}
	w := claim(taskKey, pull.worker, pull.workerID, request, mark, now)
	// Keys: the task and the pull. Conditions: the task waits and its deadline is ahead; so does the pull. Effect: the task works, bound to
	// the pull's session, its hand-over marked by a row that does not exist yet; the pull is over without an outcome of its own. The loser
	// of either condition looks again.
	err := t.DB.Transact(ctx, request, w, store.Write{Table: store.Tasks, Key: pull.item(),
		Update: "SET #state = :done, #at = :now, #posted = :true REMOVE #queue",
		If:     "#kind = :pull AND #state = :waiting AND #dl > :now",
		Values: store.Item{":done": store.S(done), ":now": store.Millis(now), ":true": store.Bool(true), ":pull": store.S(kindPull),
			":waiting": store.S(waiting)}})
	if c, ok := errors.AsType[*store.Cancelled](err); ok {
		var failed []error
		for n, lost := range c.Lost {
			if lost != nil {
				failed = append(failed, t.clearExpired(ctx, []key{taskKey, pull.key}[n], lost.Old))
			}
		}
		return false, errors.Join(failed...)
	}
	if err != nil {
		return false, err
	}
	i, err := t.DB.Get(ctx, store.Tasks, taskKey.item())
	if err != nil {
		return true, err
	}
	e := decode(i)
	if e.claim != request {
		return true, nil // over already, and gone
	}
	t.notePull(ctx, e, pull.worker, pull.workerUser)
	if err := t.handOver(ctx, e); !deliver.OnlyUndelivered(err) {
		return true, err
	}
	return true, nil // a worker that takes nothing keeps no other task from its worker; repair hands it over
}

// clearExpired tells an item that waits past its deadline so, for it would stand at the head of the queue.
func (t *Tasks) clearExpired(ctx context.Context, k key, old store.Item) error {
	if !t.hasExpired(old) {
		return nil
	}
	if err := t.expire(ctx, k, old.Str("kind")); !call.IsRecorded(err) {
		return err
	}
	return nil // it is over, which is what matters here; repair tells its caller
}

// passExpired is clearExpired for a call that has another to do: that the end of an item which is not its own failed, or is recorded, says nothing of
// the call, which goes on to be answered.
func (t *Tasks) passExpired(ctx context.Context, k key, old store.Item) {
	if err := t.clearExpired(ctx, k, old); err != nil {
		t.Log.Log(ctx, deliver.Level(err, slog.LevelWarn), "expire", "task", k.taskid(), "error", err)
	}
}

// hasExpired reports whether an item waits past its deadline.
func (t *Tasks) hasExpired(i store.Item) bool {
	return i != nil && i.Str("state") == waiting && !i.Time("dl").After(t.Now())
}

// passAllExpired is passExpired for what a look showed behind one that had expired, of which there may be many: nobody is told of a detached task's deadline
// until somebody meets it, so that whoever may push could leave any number at the head of a queue. They end side by side. It returns the others.
func (t *Tasks) passAllExpired(ctx context.Context, look []queued) []queued {
	keys := make([]key, len(look))
	for n, q := range look {
		keys[n] = q.key
	}
	items, err := t.read(ctx, keys)
	if err != nil {
		t.Log.Warn("read what waits", "error", err)
		return look
	}
	var ends []func() error
	over := map[key]bool{}
	for _, e := range items {
		if e.state == waiting && !e.deadline.After(t.Now()) {
			over[e.key] = true
			ends = append(ends, func() error { return t.expire(ctx, e.key, e.kind) })
		}
	}
	if len(ends) > 0 {
		if err := errors.Join(together(ends...)...); err != nil {
			t.Log.Log(ctx, deliver.Level(err, slog.LevelWarn), "expire", "error", err)
		}
	}
	return slices.DeleteFunc(look, func(q queued) bool { return over[q.key] })
}
