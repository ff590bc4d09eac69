package task

import (
	"encoding/json"
	"fmt"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

// The kinds and states of items.
const (
	kindPull = "pull"
	kindTask = "task"
	kindNone = "none" // in the place of an item that must not be made any more

	waiting = "waiting"
	working = "working"
	done    = "done"
)

// item is an item of the table, decoded. Attribute names are beside the fields.
type item struct {
	key
	kind, state string
	at          time.Time // last change of state; what repair goes by
	deadline    time.Time // dl: of the pull while it waits, then of the task

	// The worker's side: the connection and the JSON-RPC id of the pull that has it, or waits.
	worker     string          // wc
	workerID   json.RawMessage // wi
	workerUser string          // wu; of a pull that waited, and of what it was converted to
	// The pusher's side. pusherRow is the row that says that a detached push was answered.
	pusher    string          // pc
	pusherID  json.RawMessage // pi
	pusherRow string          // pr

	maker call.Key // cc, cr: the row that who made the item puts once it knows that it is made
	mark  call.Key // mc, mr: the row that says that the hand-over was posted; empty when it waits

	pull  string // request that made it as a pull
	push  string // request that made it a task
	claim string // request of the last claim
	ret   string // request of the last return
	fin   string // request that finished it
	lost  string // lost: the session with which a worker lost it last

	method, user string
	params, tags json.RawMessage // inline, unless body names the row that holds them
	body         string
	prio, ttl    int64
	detached     bool
	created      time.Time
	worked       time.Time
	attempt      int64
	order        string // qk: its key in the queue while it waits
	armed        bool   // a chain of timers goes to its deadline

	outcome     jsonrpc.Outcome // out, or in the row outb
	outcomeBody string
	finisher    call.Key // fc; its JSON-RPC id is finisherID
	finisherID  json.RawMessage
	then        string // what the family that answers the pusher wants to be told with the outcome; empty once it has answered, and for most tasks
	posted      bool   // the outcome was posted; the item is only kept for what is owed
	seized      bool   // by a repair, once: at is since then
	debts       map[string]debt
}

// debt is an answer that a call is owed by repair, unless the row mark says that it was posted. A pull whose task went back before it was
// handed out gets -32000, so that it pulls again; a reject gets its ok.
type debt struct {
	connid string
	id     json.RawMessage
	answer jsonrpc.Outcome
	mark   call.Key
}

func (d debt) attribute() store.Item {
	return store.Item{"c": store.S(d.connid), "i": store.S(string(d.id)), "o": store.S(string(d.answer)),
		"mc": store.S(d.mark.Connid), "mr": store.S(d.mark.Row)}
}

func raw(i store.Item, name string) json.RawMessage {
	if s := i.Str(name); s != "" {
		return json.RawMessage(s)
	}
	return nil
}

func decode(i store.Item) *item {
	e := &item{
		key: key{i.Str("part"), i.Str("id")}, kind: i.Str("kind"), state: i.Str("state"), at: i.Time("at"), deadline: i.Time("dl"),
		worker: i.Str("wc"), workerID: raw(i, "wi"), workerUser: i.Str("wu"), pusher: i.Str("pc"), pusherID: raw(i, "pi"), pusherRow: i.Str("pr"),
		maker: call.Key{Connid: i.Str("cc"), Row: i.Str("cr")}, mark: call.Key{Connid: i.Str("mc"), Row: i.Str("mr")},
		pull: i.Str("pull"), push: i.Str("push"), claim: i.Str("claim"), ret: i.Str("ret"), fin: i.Str("fin"), lost: i.Str("lost"),
		method: i.Str("method"), user: i.Str("user"), params: raw(i, "params"), tags: raw(i, "tags"), body: i.Str("body"),
		prio: i.Int("prio"), ttl: i.Int("ttl"), detached: i.Bool("det"), created: i.Time("created"), worked: i.Time("worked"),
		attempt: i.Int("att"), order: i.Str("qk"), armed: i.Bool("armed"),
		outcome: jsonrpc.Outcome(i.Str("out")), outcomeBody: i.Str("outb"), finisher: call.Key{Connid: i.Str("fc")}, finisherID: raw(i, "fi"),
		then: i.Str("then"), posted: i.Bool("posted"), seized: i.Bool("seized"),
	}
	for name, v := range i.Map("debts") {
		if e.debts == nil {
			e.debts = map[string]debt{}
		}
		m := store.Item{"d": v}.Map("d")
		e.debts[name] = debt{connid: m.Str("c"), id: raw(m, "i"), answer: jsonrpc.Outcome(m.Str("o")),
			mark: call.Key{Connid: m.Str("mc"), Row: m.Str("mr")}}
	}
	return e
}

// open tells whether something can still happen to it besides being cleared away.
func (e *item) open() bool { return e.state == waiting || e.state == working }

// internal reports whether it is a task that the bus pushed itself (PushThen).
func (e *item) internal() bool { return e.then != "" || e.user == Internal }

// shownID is its taskid as lists and hooks show it: empty for a task of the bus' own, and for a pull that may become one.
func (e *item) shownID() string {
	if e.internal() || e.kind == kindPull && vouches(e.path()) {
		return ""
	}
	return e.taskid()
}

// onlyHolder is the condition that a client's call may end or return a task: any session may, if it knows it; but of the bus' own tasks only the one that
// it was handed to, while it works. :me is the session.
const onlyHolder = " AND (attribute_not_exists(#then) OR #state = :working AND #wc = :me)"

// answers tells who gets the item's outcome.
func (e *item) answers() (connid string, id json.RawMessage) {
	switch {
	case e.kind == kindPull:
		return e.worker, e.workerID
	case e.detached:
		return "", nil
	}
	return e.pusher, e.pusherID
}

// task is what a push brings.
type task struct {
	path, method, user     string
	params, tags           json.RawMessage
	body                   string // row of params and tags, if they are not inline
	prio, ttl              int64
	detached               bool
	created, deadline      time.Time
	pusher                 string
	pusherID               json.RawMessage
	pusherRow, push, order string
	then                   string      // of PushThen
	all                    access.Tags // of the pusher's session, for hooks
}

// attributes returns what a task is made of, under the names by which both a put and an update set it.
func (n *task) attributes() store.Item {
	i := store.Item{"kind": store.S(kindTask), "at": store.Millis(n.created), "dl": store.Millis(n.deadline),
		store.AttrExpires: store.N(expiry(n.deadline)), "pc": store.S(n.pusher), "pr": store.S(n.pusherRow), "push": store.S(n.push),
		"method": store.S(n.method), "user": store.S(n.user), "prio": store.N(n.prio), "ttl": store.N(n.ttl), "det": store.Bool(n.detached),
		"created": store.Millis(n.created), "qk": store.S(n.order)}
	if n.pusherID != nil {
		i["pi"] = store.S(string(n.pusherID))
	}
	if n.then != "" {
		i["then"] = store.S(n.then)
	}
	if n.body != "" {
		i["body"] = store.S(n.body)
	} else {
		i["params"], i["tags"] = store.S(string(n.params)), store.S(string(n.tags))
	}
	return i
}

// expiry is when TimeToLive may take an item: well after all that can happen to it has happened.
func expiry(deadline time.Time) int64 { return deadline.Add(24 * time.Hour).Unix() }

// The queue's keys: the kind first, then, for tasks, the priority, higher first; then who came first. Logins come before the tasks that clients push,
// whatever their priority: who may push on a login method's path must not hold up who logs in by it.
const (
	queuedTask  = "t#"
	queuedLogin = queuedTask + "!" // sorts before the digits of a priority
	queuedPull  = "p#"
)

func taskOrder(prio int64, at time.Time, id string) string {
	ascending := uint64(prio) ^ (1 << 63)
	return fmt.Sprintf("%s%016x#%019d#%s", queuedTask, ^ascending, at.UnixNano(), id)
}

func loginOrder(at time.Time, id string) string {
	return fmt.Sprintf("%s#%019d#%s", queuedLogin, at.UnixNano(), id)
}

func pullOrder(at time.Time, id string) string {
	return fmt.Sprintf("%s%019d#%s", queuedPull, at.UnixNano(), id)
}
