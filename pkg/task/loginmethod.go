package task

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// Pulls on paths under access.LoginMethods say who is logged in. They take more than others (access.MayVouch), when they begin and when they are
// given a task; and a row says that there was one lately, so that a login by a method which nobody serves is refused at once.

// servedPart is the partition of these rows, by path. No path begins with @, so it is a partition of the same table.
const servedPart = "@served"

const (
	// servedFor is how long a login method counts as served after its last pull.
	servedFor = time.Minute
	// servedEvery is how often one environment writes that at most: the row then lasts that much longer.
	servedEvery = 5 * time.Second
	// DefaultLoginTasks is how many logins may wait for the workers of a method, where nothing else is set.
	DefaultLoginTasks = 1000
)

// served remembers when this environment last wrote that a path is served.
type served struct {
	mu sync.Mutex
	at map[string]time.Time
}

// vouches reports whether a path is one of a login method.
func vouches(path string) bool { return access.Covers(access.LoginMethods, path) }

// noteServed notes that a pull waits on a path, or did until now. It is nobody's call, and fails none.
func (t *Tasks) noteServed(ctx context.Context, path string) {
	if !vouches(path) {
		return
	}
	now, s := t.Now(), &t.served
	s.mu.Lock()
	known := now.Before(s.at[path].Add(servedEvery))
	s.mu.Unlock()
	if known {
		return
	}
	until := now.Add(servedFor + servedEvery)
	// Key: the path's row. Condition: it does not last longer already. Effect: the path counts as served until then. A loser has what it wants.
	_, err := t.DB.Do(ctx, store.Write{Table: store.Tasks, Key: key{servedPart, path}.item(), Update: "SET #until = :until, #exp = :exp",
		If:     "attribute_not_exists(#until) OR #until < :until",
		Values: store.Item{":until": store.Millis(until), ":exp": store.N(until.Add(time.Hour).Unix())}})
	if _, lost := store.Lost(err); err != nil && !lost {
		t.Log.Warn("note that a login method is served", "path", path, "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil || len(s.at) >= 10_000 { // a bound on memory; forgetting costs a write
		s.at = map[string]time.Time{}
	}
	s.at[path] = now
}

// admit reports by its error whether a login may wait on a path: -32010 where no pull waits that may vouch, nor did within the last minute; -32012 where
// LoginTasks wait already. It writes nothing to say so. The number is that of a moment: logins that come together may exceed it by how many they are.
func (t *Tasks) admit(ctx context.Context, path string) error {
	var pulls []queued
	var row store.Item
	var wait int
	err := errors.Join(together(
		func() (err error) { pulls, err = t.look(ctx, path, queuedPull); return err },
		func() (err error) { row, err = t.DB.Get(ctx, store.Tasks, key{servedPart, path}.item()); return err },
		func() (err error) { wait, err = t.waiting(ctx, path, t.LoginTasks); return err })...)
	if err != nil {
		return err
	}
	there := row.Time("until").After(t.Now())
	for n := 0; n < len(pulls) && !there; n++ {
		if there, err = t.mayServe(ctx, pulls[n].key); err != nil {
			return err
		}
	}
	switch {
	case !there:
		return jsonrpc.Err(jsonrpc.PermissionDenied, "")
	case wait >= t.LoginTasks:
		return jsonrpc.Err(jsonrpc.LimitExceeded, fmt.Sprintf("%d logins wait for this method", wait))
	}
	return nil
}

// waiting counts the logins that wait on a path, up to a number. Tasks that clients pushed there do not count.
func (t *Tasks) waiting(ctx context.Context, path string, most int) (n int, err error) {
	for _, part := range t.partitions(path) {
		q := store.Query{Table: store.Tasks, Index: store.IndexQueue, Projection: "#id", If: "#part = :part AND begins_with(#queue, :kind)",
			Values: store.Item{":part": store.S(part), ":kind": store.S(queuedLogin)}}
		for n < most {
			q.Limit = int32(most - n)
			items, next, err := t.DB.Query(ctx, q)
			if err != nil {
				return 0, err
			}
			n += len(items)
			if q.Start = next; next == nil {
				break
			}
		}
	}
	return n, nil
}

// mayServe reports whether a pull that waits may be given what waits on its path, which is a question on the paths of login methods alone: tags may
// have been taken from its session since it came, or another user have logged in there. A pull that may not any more is told -32010.
func (t *Tasks) mayServe(ctx context.Context, k key) (bool, error) {
	if !vouches(k.path()) {
		return true, nil
	}
	i, err := t.DB.Get(ctx, store.Tasks, k.item())
	if err != nil {
		return false, err
	}
	e := decode(i)
	if e.kind != kindPull || e.state != waiting {
		return false, nil
	}
	in, err := t.Sessions.Load(ctx, e.worker)
	if _, ended := errors.AsType[*jsonrpc.Error](err); ended {
		return false, nil // whoever ends the session withdraws the pull
	}
	if err != nil || in.Tags.MayVouch(k.path()) {
		return err == nil, err
	}
	_, _, err = t.finish(ctx, k, end{outcome: jsonrpc.Failure(jsonrpc.Err(jsonrpc.PermissionDenied, "")), request: t.NewID(),
		only: "#kind = :pull", values: store.Item{":pull": store.S(kindPull)}})
	if err != nil { // what becomes of it is recorded, or it is met again
		t.Log.Log(ctx, deliver.Level(err, slog.LevelWarn), "refuse a pull", "task", k.taskid(), "error", err)
	}
	return false, nil
}
