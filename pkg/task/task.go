package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"nexus/pkg/call"
	"nexus/pkg/chores"
	"nexus/pkg/deliver"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// Kind is the kind of this family's call rows.
const Kind = "task"

const (
	// DefaultTimeout and DefaultTTL are spec/protocol.md's.
	DefaultTimeout = 10 * 24 * time.Hour
	DefaultTTL     = 5
	// MaxBody is how long params and tags together, a result or an error's data may be, in bytes of JSON.
	MaxBody = 120 << 10
	// RepairAge is how long nothing must have moved before repair acts: handlers end at 10 s, so that it never races a live one.
	RepairAge = 30 * time.Second
	// soon is how near a deadline must be to get its timer at once; farther ones get theirs from repair.
	soon = 60 * time.Second
	// inline is the most that params and tags, or an outcome, take in the item; beyond that they are a row of their own.
	inline = 4 << 10
	// candidates is how many items one look takes.
	candidates = 16
)

// Sessions is what this family asks of sessions.
type Sessions interface {
	// End ends a session whose connection is known to be gone (closed) or has to go.
	End(ctx context.Context, connid string, closed bool) error
	// Then does what the outcome of a task pushed by PushThen brings, for the connection and request that pushed it, and returns what its caller
	// is told. It may be asked again, and then has done it.
	Then(ctx context.Context, connid, request, then string, o jsonrpc.Outcome) (jsonrpc.Outcome, error)
	// Load returns what is in force for a connection, or an error of the protocol if it has no live session.
	Load(ctx context.Context, connid string) (call.Session, error)
	// Live tells which connections have a live session.
	Live(ctx context.Context, connids ...string) (map[string]bool, error)
}

// Tasks carries out the calls of this family, and what happens to its items besides.
type Tasks struct {
	DB       *store.DB
	Rows     *call.Rows
	Timer    *timer.Queue
	Post     *deliver.Poster
	Sessions Sessions
	Hooks    Hooks
	Log      *slog.Logger
	Now      func() time.Time
	// NewID returns a ulid that nobody can guess.
	NewID func() string
	// Pick returns a number from 0 to n-1 by chance.
	Pick func(n int) int
	// Shards tells over how many partitions a path is spread, 1 for most. It may grow, never shrink while tasks wait.
	Shards func(path string) int

	// LoginTasks is how many logins may wait for the workers of a login method.
	LoginTasks int

	// RepairAge is the constant of that name, but in the simulation that proves it to be needed.
	RepairAge time.Duration
	// Chores is how repair and clean-up go about many items.
	Chores chores.Chores

	paths  directory
	served served
}

// key names an item: its partition and its id there.
type key [2]string

func (k key) item() store.Item { return store.Item{"part": store.S(k[0]), "id": store.S(k[1])} }

func (k key) path() string {
	path, _, _ := strings.Cut(k[0], " ")
	return path
}

const ulidLength = 26

// sessionDigits is how much of the connid of whose call brought an item its taskid begins with. Clients of Nexus show that, and kick by it.
const sessionDigits = 16

// taskid is an item's key as clients know it: the beginning of the pusher's connid, or of the worker's that waits, as in Nexus; the id, which nobody can
// guess; and the partition.
func (e *item) taskid() string {
	connid := e.pusher
	if e.kind == kindPull {
		connid = e.worker
	}
	if len(connid) < sessionDigits {
		return e.key.taskid()
	}
	return connid[:sessionDigits] + e.key.taskid()
}

// taskid is a taskid without the connid, which names the item as well.
func (k key) taskid() string { return k[1] + "-" + k[0] }

// parseTaskid returns the key that a taskid names, with the connid that it begins with or without; false if it can name none.
func parseTaskid(s string) (key, bool) {
	if len(s) > ulidLength && s[ulidLength] != '-' && len(s) > sessionDigits {
		s = s[sessionDigits:]
	}
	if len(s) < ulidLength+2 || s[ulidLength] != '-' || len(s) > ulidLength+1+520 {
		return key{}, false
	}
	k := key{s[ulidLength+1:], s[:ulidLength]}
	if k[0][0] == '@' || strings.ContainsFunc(k[1], func(r rune) bool { return r < '0' || r > 'Z' }) {
		return key{}, false
	}
	return k, true
}

// partitions returns where the items of a path are: the first is named as the path, the others carry a number.
func (t *Tasks) partitions(path string) []string {
	parts := []string{path}
	for n := 1; n < t.Shards(path); n++ {
		parts = append(parts, fmt.Sprintf("%s %d", path, n))
	}
	return parts
}

// home picks the partition of a new item.
func (t *Tasks) home(path string) string {
	parts := t.partitions(path)
	if len(parts) == 1 {
		return path
	}
	return parts[t.Pick(len(parts))]
}

// post answers a call. Nobody waits where id is empty. deliver.ErrGone is final; after another error the answer may have arrived or not.
func (t *Tasks) post(ctx context.Context, connid string, id json.RawMessage, o jsonrpc.Outcome) error {
	if connid == "" || len(id) == 0 || o == "" {
		return nil
	}
	return t.Post.Post(ctx, connid, jsonrpc.Answer(id, o))
}

// gone ends the sessions of the connections that a post found gone; errs are the posts' errors, one per connection.
func (t *Tasks) gone(ctx context.Context, connids []string, errs []error) error {
	var failed []error
	for i, err := range errs {
		switch {
		case err == nil:
		case errors.Is(err, deliver.ErrGone):
			failed = append(failed, t.Sessions.End(ctx, connids[i], false))
		default:
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// invalid is the error for a task that is unknown, over, or not in the state it must be in.
func invalid(taskid string) error {
	const most = 64
	if len(taskid) > most {
		taskid = strings.ToValidUTF8(taskid[:most], "") + "…"
	}
	return jsonrpc.Err(jsonrpc.InvalidTask, taskid)
}
