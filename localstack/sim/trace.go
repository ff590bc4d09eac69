package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"nexus/localstack/stack"
	"nexus/pkg/store"
)

// The trace follows every item of the table of tasks: after each write the harness reads the items that it named. What the invariants say of
// the order of hand-overs can only be seen there; a client sees posts, and posts overtake one another.

// itemKey is an item's key: partition and id.
type itemKey [2]string

// snap is an item after a write. The names are those of pkg/task's items.
type snap struct {
	at  time.Time
	inv *invocation
	n   int // of all snaps of the run

	there                              bool
	kind, state                        string
	queue                              string
	worker, workerID, pusher           string
	push, pull, claim, ret, fin, order string
	deadline                           time.Time
	prio, ttl, attempt                 int64
	detached                           bool
	posted                             bool
	debts                              int
}

func (s *snap) waits() bool { return s.there && s.state == "waiting" }
func (s *snap) works() bool { return s.there && s.state == "working" }
func (s *snap) done() bool  { return s.there && s.state == "done" }
func (s *snap) task() bool  { return s.kind == "task" }

// life is an item's snaps, oldest first.
type life struct {
	key   itemKey
	snaps []*snap
	since time.Time // since when it waits as a task without a break; zero if it does not
}

func (l *life) last() *snap { return l.snaps[len(l.snaps)-1] }

type trace struct {
	lives map[itemKey]*life
	order []*life // in the order in which they began
	n     int
}

func (t *trace) init() { t.lives = map[itemKey]*life{} }

type attribute struct {
	S, N string
	BOOL bool
	M    map[string]json.RawMessage
}

type rawItem map[string]attribute

func (i rawItem) int(name string) int64 {
	n, _ := strconv.ParseInt(i[name].N, 10, 64) // absent: 0
	return n
}

func (i rawItem) key() itemKey { return itemKey{i["part"].S, i["id"].S} }

// observe reads the items that a write named.
func (w *world) observe(r *request) {
	type write struct {
		TableName string
		Key, Item rawItem
	}
	var in struct {
		write
		TransactItems []map[string]write
	}
	if err := json.Unmarshal(r.body, &in); err != nil {
		w.failf("%s: %v", r, err)
		return
	}
	writes := []write{in.write}
	if r.op == "TransactWriteItems" {
		writes = nil
		for _, item := range in.TransactItems {
			for _, one := range item {
				writes = append(writes, one)
			}
		}
	}
	for _, one := range writes {
		key := one.Key.key()
		if one.Item != nil {
			key = one.Item.key()
		}
		if key[0] != directoryPart {
			w.observed(r, key)
		}
	}
}

// directoryPart is pkg/task's partition of paths.
const directoryPart = "@paths"

// observed takes a snap of an item.
func (w *world) observed(r *request, key itemKey) {
	i, err := w.read(key)
	if err != nil {
		w.failf("%s: %v", r, err)
		return
	}
	w.trace.n++
	s := &snap{at: time.Now(), inv: r.inv, n: w.trace.n, there: i != nil, kind: i["kind"].S, state: i["state"].S, queue: i["queue"].S, worker: i["wc"].S, workerID: i["wi"].S,
		pusher: i["pc"].S, push: i["push"].S, pull: i["pull"].S, claim: i["claim"].S, ret: i["ret"].S, fin: i["fin"].S, order: i["qk"].S,
		deadline: time.UnixMilli(i.int("dl")), prio: i.int("prio"), ttl: i.int("ttl"), attempt: i.int("att"), detached: i["det"].BOOL, posted: i["posted"].BOOL,
		debts: len(i["debts"].M)}
	l := w.trace.lives[key]
	if l == nil {
		l = &life{key: key}
		w.trace.lives[key] = l
		w.trace.order = append(w.trace.order, l)
	}
	l.snaps = append(l.snaps, s)
	w.logf("item %s %s: %s %s att %d ttl %d worker %s %s push %s fin %s", key[0], key[1], s.kind, s.state, s.attempt, s.ttl, s.worker, s.workerID, s.push, s.fin)
	w.checkOvertaking(l)
	if s.task() && s.waits() {
		if l.since.IsZero() {
			l.since = s.at
		}
	} else {
		l.since = time.Time{}
	}
}

// read reads an item past everything that could go wrong.
func (w *world) read(key itemKey) (rawItem, error) {
	body, err := json.Marshal(map[string]any{"TableName": stack.TablePrefix + store.Tasks, "ConsistentRead": true,
		"Key": map[string]any{"part": map[string]string{"S": key[0]}, "id": map[string]string{"S": key[1]}}})
	if err != nil {
		return nil, err
	}
	var out struct{ Item rawItem }
	err = w.ask("GetItem", body, &out)
	return out.Item, err
}

// ask has the engine carry out an operation.
func (w *world) ask(op string, body []byte, out any) error {
	h, err := http.NewRequest(http.MethodPost, "http://local.invalid/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	h.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	answer, err := w.stack.Engine.RoundTrip(h)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, out)
}
