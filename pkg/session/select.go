package session

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"

	"golang.org/x/sync/errgroup"
)

// Select is what sys.session.kick and sys.session.reload take: the beginning of the connids that they are about, "" for all.
type Select struct{ Prefix string }

// ReadSelect reads the params of sys.session.kick and sys.session.reload: connId as the specification spells it, or connid; or all, which is true.
func ReadSelect(p *jsonrpc.Params) Select {
	name := "connId"
	if !p.Has(name) && p.Has("connid") {
		name = "connid"
	}
	if p.OptBool("all") {
		if p.Has(name) { // one of them is a mistake, and it is not known which
			p.Fail("all", "with a "+name)
		}
		return Select{}
	}
	out := Select{p.String(name)}
	if len(out.Prefix) < minPrefix {
		p.Fail(name, "under 16 bytes")
	}
	return out
}

// The lengths of a connid's beginning, in bytes: one that is shorter may be all connections' of a node; no connid is longer than the other.
const (
	minPrefix = 16
	maxConnid = 128
)

// selected returns the live sessions whose connid begins with a prefix and whose user may be had, in order, with their users. Others count as not
// there: whether there are any is nobody's business who may not have them. A whole connid is read strongly; what else begins so is found by a scan.
func (s *Sessions) selected(ctx context.Context, prefix string, may func(user string) bool) (connids []string, users map[string]string, err error) {
	users = map[string]string{}
	if len(prefix) > maxConnid {
		return nil, users, nil
	}
	var g errgroup.Group
	var exact store.Item
	if prefix != "" {
		g.Go(func() (err error) {
			exact, err = s.DB.Get(ctx, store.Sessions, key(prefix))
			return err
		})
	}
	err = s.scan(ctx, "#id, #user", func(item store.Item) {
		if strings.HasPrefix(item.Str("id"), prefix) {
			users[item.Str("id")] = item.Str("user")
		}
	})
	if read := g.Wait(); err == nil {
		err = read
	}
	if err != nil {
		return nil, nil, err
	}
	delete(users, prefix) // the strong read knows better
	if exact.Str("state") == live {
		users[prefix] = exact.Str("user")
	}
	maps.DeleteFunc(users, func(_, user string) bool { return !may(user) })
	return slices.Sorted(maps.Keys(users)), users, nil
}

// handed is how many sessions a message names that an invocation leaves to another.
const handed = 100

// each does something to some sessions, several at a time, and tells how many it reached. What the invocation that began then has no time for it
// leaves to messages of a kind, and counts it as reached. Errors are those of sessions that were not reached.
func (s *Sessions) each(ctx context.Context, kind string, connids []string, began time.Time,
	do func(ctx context.Context, connid string) (done bool, err error)) (reached int, err error) {
	var mu sync.Mutex
	var failed []error
	for len(connids) > 0 && s.Now().Sub(began) <= s.Chores/2 {
		n := min(len(connids), sweepers)
		var g errgroup.Group
		for _, connid := range connids[:n] {
			g.Go(func() error {
				done, err := do(ctx, connid)
				mu.Lock()
				defer mu.Unlock()
				if done {
					reached++
				}
				if err != nil {
					failed = append(failed, fmt.Errorf("session %s: %w", connid, err))
				}
				return nil
			})
		}
		_ = g.Wait()
		connids = connids[n:]
	}
	var rest []timer.Later
	for part := range slices.Chunk(connids, handed) {
		rest = append(rest, timer.Later{Wake: timer.Wake{Kind: kind, Key: part}})
	}
	if err := s.Timer.All(ctx, rest...); err != nil {
		return reached, errors.Join(append(failed, err)...)
	}
	return reached + len(connids), errors.Join(failed...)
}

// reachedAny is for a call whose answer tells how many sessions it reached: it is an error only if there were some and it reached none.
func (s *Sessions) reachedAny(kind string, reached int, err error) error {
	if err == nil || reached == 0 {
		return err
	}
	s.Log.Warn(kind, "error", err)
	return nil
}
