package sim

import (
	"strings"
	"time"
)

// The trace of tasks follows every item of their table. What the invariants say of the order of hand-overs can only be seen there; a client sees
// posts, and posts overtake one another.

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
	lost                               string // its last worker, whose session ended
	deadline                           time.Time
	prio, ttl, attempt                 int64
	detached                           bool
	posted                             bool
	debts                              int
	owed                               []string // the connids of the debts
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

// ownPart tells whether a partition holds no tasks, but what pkg/task knows of paths.
func ownPart(part string) bool { return strings.HasPrefix(part, "@") }

// taskWritten takes a snap of an item of the table of tasks.
func (w *world) taskWritten(r *request, key itemKey, i rawItem) {
	if ownPart(key[0]) {
		return
	}
	w.trace.n++
	s := &snap{at: time.Now(), inv: r.inv, n: w.trace.n, there: i != nil, kind: i["kind"].S, state: i["state"].S, queue: i["queue"].S, worker: i["wc"].S, workerID: i["wi"].S,
		pusher: i["pc"].S, push: i["push"].S, pull: i["pull"].S, claim: i["claim"].S, ret: i["ret"].S, lost: i["lost"].S, fin: i["fin"].S, order: i["qk"].S,
		deadline: time.UnixMilli(i.int("dl")), prio: i.int("prio"), ttl: i.int("ttl"), attempt: i.int("att"), detached: i["det"].BOOL, posted: i["posted"].BOOL,
		debts: len(i["debts"].M)}
	for _, d := range i["debts"].M {
		s.owed = append(s.owed, d.M["c"].S)
	}
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
