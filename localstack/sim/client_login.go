package sim

import (
	"fmt"
	"slices"
)

// userNames are the users that clients log in as; userPass is the password of all.
var userNames = [...]string{"ann", "bob"}

const userPass = "pass"

// What logins are tried by: a lock under probed that nobody holds, and the tag that unlocking it needs.
const (
	probed    = "probe"
	probe     = probed + ".x"
	probeTag  = "sync.unlock"
	forbidden = "error -32010"
)

// login is what a sys.login tries.
type login struct {
	user string
	good bool // the password
	// method says that it asks the worker of a login method.
	method bool
}

// tagging is what a user.setTags sets, or a user.delTags takes.
type tagging struct{ user, key string }

// actLogin does a client's next thing with users: some see to them, the others log in as one and try what they may.
func (c *client) actLogin() {
	if c.role.admin {
		c.administer()
		return
	}
	switch n := c.w.rng.IntN(14); {
	case n >= 11:
		c.grab()
	case n >= 8:
		if c.entries < c.role.atOnce {
			c.logInBy()
		}
	case n < 4 && c.entries >= c.role.atOnce:
	case n < 2:
		l := &login{user: userNames[c.w.rng.IntN(len(userNames))], good: c.w.rng.IntN(8) > 0}
		pass := userPass
		if !l.good {
			pass = "wrong"
		}
		c.entries++
		c.sendWith("sys.login", map[string]any{"user": l.user, "pass": pass}, func(k *call) { k.login = l })
	case n < 4:
		c.entries++
		c.send("sys.reload", nil)
	default:
		c.sendWith("sync.unlock", map[string]any{"lock": probe}, func(k *call) { k.probes = true })
	}
}

// listings are the calls that list what there is, page by page of what DynamoDB gives.
var listings = [...]string{"user.list", "sys.session.list", "sync.list", "topic.list", "user.count", "sys.session.count", "task.count"}

// administer makes users, changes what they may, and ends or reloads sessions.
func (c *client) administer() {
	w := c.w
	user := userNames[w.rng.IntN(len(userNames))]
	switch n := w.rng.IntN(32); {
	case n >= 28:
		c.send(listings[w.rng.IntN(len(listings))], map[string]any{"prefix": "", "limit": 0})
	case n >= 20:
		c.serve()
	case len(w.userTrace[user]) == 0:
		c.send("user.create", map[string]any{"user": user, "pass": userPass})
	case n < 9:
		w.tags++
		t := &tagging{user, fmt.Sprintf("t%d", w.tags)}
		c.sendWith("user.setTags", map[string]any{"user": user, "prefix": probed, "tags": map[string]any{"@" + probeTag: w.rng.IntN(2) == 0, t.key: true}},
			func(k *call) { k.tagging = t })
	case n < 11:
		if t := w.anyTagging(); t != nil {
			c.sendWith("user.delTags", map[string]any{"user": t.user, "prefix": probed, "tags": []string{t.key}}, func(k *call) { k.tagging = t })
		}
	case n < 18:
		if other := w.anyClient(); other != nil {
			c.sendWith("sys.session.reload", map[string]any{"connId": other.connid}, func(k *call) { k.other = other })
		}
	default:
		if other := w.anyClient(); other != nil {
			c.sendWith("sys.session.kick", map[string]any{"connId": other.connid}, func(k *call) { k.other = other })
		}
	}
}

// anyTagging returns what some user.setTags set and was answered.
func (w *world) anyTagging() *tagging {
	var set []*tagging
	for _, k := range w.calls {
		if k.method == "user.setTags" && k.got() == "result" {
			set = append(set, k.tagging)
		}
	}
	if len(set) == 0 {
		return nil
	}
	return set[w.rng.IntN(len(set))]
}

// anyClient returns a client that is connected.
func (w *world) anyClient() *client {
	open := slices.DeleteFunc(slices.Clone(w.clients), func(c *client) bool { return !c.open })
	if len(open) == 0 {
		return nil
	}
	return open[w.rng.IntN(len(open))]
}
