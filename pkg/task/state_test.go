package task_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/store"
)

// names are what ids are called: items A, B, … and everything else i1, i2, …, in the order in which they were first shown; connections by their
// clients.
type names struct {
	of    map[string]string
	count map[string]int
	items map[string][2]string
}

var ulids = regexp.MustCompile(`[0-9A-Z]{26}`)

func (n *names) item(part, id string) string {
	if n.of[id] == "" {
		n.of[id] = string(rune('A' + n.count["item"]))
		n.count["item"]++
	}
	if n.items == nil {
		n.items = map[string][2]string{}
	}
	n.items[n.of[id]] = [2]string{part, id}
	return n.of[id]
}

// taskid is an item's taskid by its name.
func (n *names) taskid(name string) string {
	k, ok := n.items[name]
	if !ok {
		return name
	}
	return k[1] + "-" + k[0]
}

// short puts names where a text has ids.
func (n *names) short(text string) string {
	for connid, name := range n.of {
		if len(connid) != 26 {
			text = strings.ReplaceAll(text, connid, name)
		}
	}
	return ulids.ReplaceAllStringFunc(text, func(id string) string {
		if n.of[id] == "" {
			n.count["id"]++
			n.of[id] = fmt.Sprintf("i%d", n.count["id"])
		}
		return n.of[id]
	})
}

// message shortens an answer to its id and outcome. A task that was pulled is its taskid, method, params and ttl; TestPulledTask looks at the rest.
func (n *names) message(text string) string {
	var m struct {
		ID     json.RawMessage
		Result struct {
			Taskid, Path, Method string
			Params               json.RawMessage
			TTL                  int
		}
	}
	if err := json.Unmarshal([]byte(text), &m); err == nil && m.Result.Taskid != "" {
		id, part, _ := strings.Cut(m.Result.Taskid, "-")
		n.item(part, id)
		return fmt.Sprintf("%s %s %s%s %s ttl=%d", m.ID, n.short(m.Result.Taskid), m.Result.Path, m.Result.Method, brief(string(m.Result.Params)), m.Result.TTL)
	}
	return n.short(brief(harness.Brief(text)))
}

// brief keeps long texts out of what is shown.
func brief(text string) string {
	if len(text) <= 200 {
		return text
	}
	return fmt.Sprintf("%s…(%d bytes)", text[:20], len(text))
}

// want checks everything there is: the sessions that are over, the items, the rows of connections and the bodies, one a line.
func (b *bench) want(lines ...string) {
	b.t.Helper()
	b.InOrder("the state is", b.state(), lines)
}

// items checks the items alone: what a hook sees while a handler does several things side by side.
func (b *bench) items(lines ...string) {
	b.t.Helper()
	got := slices.DeleteFunc(b.state(), func(line string) bool { return !strings.Contains(line, " dl=") })
	b.InOrder("the items are", got, lines)
}

// state is everything there is.
func (b *bench) state() []string {
	b.t.Helper()
	var lines []string
	tasks := b.Table(store.Tasks)
	slices.SortFunc(tasks, func(a, c store.Item) int { return cmp.Compare(a.Str("id"), c.Str("id")) })
	for _, i := range tasks {
		if i.Str("part") != "@paths" {
			b.names.item(i.Str("part"), i.Str("id"))
		}
	}
	for _, i := range b.Table(store.Sessions) {
		if i.Str("state") != "live" {
			lines = append(lines, b.names.short(i.Str("id"))+" "+i.Str("state"))
		}
	}
	slices.Sort(lines)
	slices.SortStableFunc(tasks, func(a, c store.Item) int { return cmp.Compare(b.names.of[a.Str("id")], b.names.of[c.Str("id")]) })
	for _, i := range tasks {
		if i.Str("part") != "@paths" {
			lines = append(lines, b.item(i))
		}
	}
	rows := b.Table(store.Calls)
	slices.SortFunc(rows, func(a, c store.Item) int {
		return cmp.Or(cmp.Compare(a.Str("row")[:1], c.Str("row")[:1]), cmp.Compare(shortRow(a.Str("row")), shortRow(c.Str("row"))), cmp.Compare(a.Str("id"), c.Str("id")))
	})
	for _, i := range rows {
		lines = append(lines, b.row(i))
	}
	for _, i := range b.Table(store.Bodies) {
		lines = append(lines, b.names.short(fmt.Sprintf("body %s params=%s tags=%s out=%s", i.Str("id"), brief(i.Str("params")), brief(i.Str("tags")),
			brief(i.Str("out")))))
	}
	return lines
}

// since is a time as what passed since the test began.
func since(t time.Time) string { return t.Sub(harness.Start()).String() }

// take removes an attribute and returns it.
func take(i store.Item, name string) string {
	s := i.Str(name)
	delete(i, name)
	return s
}

func takeTime(i store.Item, name string) time.Time {
	at := i.Time(name)
	delete(i, name)
	return at
}

// item shows all attributes of an item. Left out is what says nothing: the time if it is the test's beginning, user nobody, no tags, prio 0, and
// what is given by others: the expiry, the queue's key.
func (b *bench) item(of store.Item) string {
	i := maps.Clone(of)
	part, id := take(i, "part"), take(i, "id")
	kind := take(i, "kind")
	line := fmt.Sprintf("%s %s %s %s", b.names.item(part, id), part, kind, take(i, "state"))
	add := func(format string, args ...any) { line += " " + fmt.Sprintf(format, args...) }

	created, deadline := takeTime(i, "created"), takeTime(i, "dl")
	order, queue := take(i, "qk"), take(i, "queue")
	prio := i.Int("prio")
	delete(i, "prio")
	if order != "" && !strings.HasPrefix(order, fmt.Sprintf("t#%016x#%019d#", ^(uint64(prio)^(1<<63)), created.UnixNano())) {
		add("qk=%s", order)
	}
	switch {
	case queue == "":
	case queue == order, kind == "pull" && queue == fmt.Sprintf("p#%019d#%s", created.UnixNano(), id):
		add("queued")
	default:
		add("queue=%s", queue)
	}
	if i.Int("exp") == deadline.Add(24*time.Hour).Unix() {
		delete(i, "exp")
	}
	at := takeTime(i, "at")
	if !at.Equal(harness.Start()) {
		add("at=%s", since(at))
	}
	if !created.Equal(harness.Start()) {
		add("created=%s", since(created))
	}
	add("dl=%s", since(deadline))
	if i.Has("wc") {
		add("worker=%s/%s", take(i, "wc"), take(i, "wi"))
	}
	if i.Has("pc") {
		add("pusher=%s/%s", take(i, "pc"), take(i, "pi"))
	}
	if i.Has("cc") {
		add("maker=%s", rowName(take(i, "cc"), take(i, "cr")))
	}
	if i.Has("mc") {
		add("mark=%s", rowName(take(i, "mc"), take(i, "mr")))
	}
	if i.Has("pr") {
		add("row=%s", shortRow(take(i, "pr")))
	}
	if worked := takeTime(i, "worked"); !worked.IsZero() && !worked.Equal(at) {
		add("worked=%s", since(worked))
	}
	if kind == "task" {
		add("%s%s", part[:strings.LastIndexByte(part, '.')+1], take(i, "method"))
		if i.Has("params") {
			add("%s", brief(take(i, "params")))
		}
		if prio != 0 {
			add("prio=%d", prio)
		}
		add("att=%d ttl=%d", i.Int("att"), i.Int("ttl"))
		delete(i, "att")
		delete(i, "ttl")
	}
	for _, flag := range []string{"det", "armed", "posted", "seized"} {
		if i.Bool(flag) {
			add("%s", flag)
		}
		delete(i, flag)
	}
	if i.Str("wu") == "nobody" {
		delete(i, "wu")
	}
	if i.Str("user") == "nobody" {
		delete(i, "user")
	}
	if i.Str("tags") == "{}" {
		delete(i, "tags")
	}
	for _, request := range []string{"pull", "push", "claim", "ret", "fin"} {
		if i.Has(request) {
			add("%s=%s", request, take(i, request))
		}
	}
	if i.Has("out") {
		add("out=%s", brief(take(i, "out")))
	}
	if i.Has("fc") {
		add("finisher=%s/%s", take(i, "fc"), take(i, "fi"))
	}
	debts := i.Map("debts")
	for _, name := range slices.Sorted(maps.Keys(debts)) {
		d := store.Item{"d": debts[name]}.Map("d")
		add("debt=%s:%s/%s:%s", name, d.Str("c"), d.Str("i"), d.Str("o"))
		if d.Str("mr") != "" {
			add("unless=%s", rowName(d.Str("mc"), d.Str("mr")))
		}
	}
	if i.Has("debts") {
		delete(i, "debts")
	} else {
		add("no debts")
	}
	for _, name := range slices.Sorted(maps.Keys(i)) {
		add("%s=%s%s", name, brief(i.Str(name)), strings.TrimSuffix(fmt.Sprint(i.Int(name)), "0"))
	}
	return b.names.short(line)
}

// rowName is a row as items name it.
func rowName(connid, row string) string { return connid + "." + shortRow(row) }

var (
	freshRow = regexp.MustCompile(`^y![0-9a-f]{16}#`)
	openRow  = regexp.MustCompile(`^o[$][0-9a-f]{8}[$]`)
)

// shortRow leaves out of a row's name what the rest of the row says.
func shortRow(row string) string {
	return openRow.ReplaceAllString(freshRow.ReplaceAllString(row, ""), "o#")
}

// row shows a row of a connection.
func (b *bench) row(i store.Item) string {
	line := fmt.Sprintf("%s → %s", rowName(i.Str("id"), i.Str("row")), i.Str("item"))
	if i.Has("req") {
		line += " " + i.Str("req")
	}
	if i.Str("kind") != "task" || i.Str("part") == "" {
		line += fmt.Sprintf(" kind=%q part=%q", i.Str("kind"), i.Str("part"))
	}
	return b.names.short(line)
}

// timers checks all messages of the delay queue: when they come, in time since the test began, and what they say.
func (b *bench) timers(want ...string) {
	b.t.Helper()
	got := b.Timers()
	for n := range got {
		got[n] = b.names.short(got[n])
	}
	b.InOrder("the queue has", got, want)
}

// paths checks the directory: each path, until when it is kept, and when it was renewed, if that is not when the test began.
func (b *bench) paths(want ...string) {
	b.t.Helper()
	var got []string
	for _, i := range b.Table(store.Tasks) {
		if i.Str("part") == "@paths" {
			line := fmt.Sprintf("%s until %s", i.Str("id"), since(time.Unix(i.Int("exp"), 0).Add(-24*time.Hour)))
			if at := since(i.Time("at")); at != "0s" {
				line += " at " + at
			}
			got = append(got, line)
		}
	}
	slices.Sort(got)
	b.InOrder("the directory has", got, want)
}
