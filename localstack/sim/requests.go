package sim

import (
	"fmt"
	"strings"
	"time"
)

// path picks a path: mostly the hot one.
func (w *world) path() string {
	if w.crowded || w.rng.IntN(3) > 0 {
		return hotPath
	}
	return w.paths[w.rng.IntN(len(w.paths))]
}

// timeout draws a call's time-out; 0 for none.
func (w *world) timeout() time.Duration {
	switch w.rng.IntN(10) {
	case 0, 1:
		return time.Duration(50+w.rng.IntN(2000)) * time.Millisecond
	case 2, 3, 4:
		return time.Duration(2000+w.rng.IntN(28000)) * time.Millisecond
	case 5:
		return time.Duration(58+w.rng.IntN(90)) * time.Second
	}
	return 0
}

const large = 5000 // bytes: more than an item holds itself

func (c *client) doPush() {
	w := c.w
	p := &push{path: w.path(), timeout: w.timeout(), detached: w.rng.IntN(100) < c.role.detaches, ttl: 1 + w.rng.Int64N(3)}
	if w.rng.IntN(3) == 0 {
		p.prio = w.rng.Int64N(3) - 1
	}
	name := strings.TrimSuffix(p.path, ".") + ".do"
	if p.path == "." {
		name = "do"
	}
	content := map[string]any{"push": len(w.calls) + 1}
	if w.rng.IntN(10) == 0 {
		content["pad"] = strings.Repeat("x", large)
	}
	params := map[string]any{"method": name, "params": content, "ttl": p.ttl, "prio": p.prio, "detach": p.detached}
	if p.timeout > 0 {
		params["timeout"] = p.timeout.Seconds()
	}
	if w.rng.IntN(20) == 0 {
		c.notify("task.push", params, func(k *call) { k.push = p })
		return
	}
	c.pushes++
	c.sendWith("task.push", params, func(k *call) { k.push = p })
}

func (c *client) doPull() {
	p := &pull{path: c.w.path(), timeout: c.w.timeout()}
	params := map[string]any{"prefix": strings.TrimSuffix(p.path, ".")}
	if p.timeout > 0 {
		params["timeout"] = p.timeout.Seconds()
	}
	c.pulls++
	c.sendWith("task.pull", params, func(k *call) { k.pull = p })
}

// notify sends a request without an id: it is carried out and not answered.
func (c *client) notify(method string, params map[string]any, complete func(*call)) {
	complete(c.request("", method, params))
}

// sendWith sends a request and completes its record before anything can come of it: what is sent begins to run with the next step.
func (c *client) sendWith(method string, params map[string]any, complete func(*call)) *call {
	k := c.send(method, params)
	complete(k)
	return k
}

func (c *client) doCancel() {
	w := c.w
	if w.rng.IntN(2) == 0 && c.nextID > 0 {
		id := 1 + w.rng.IntN(c.nextID)
		c.sendWith("task.cancel", map[string]any{"id": id}, func(k *call) { k.outcome = cancelled })
		return
	}
	if taskid := w.anyTask(); taskid != "" {
		c.cancel(taskid)
	}
}

func (c *client) cancel(taskid string) {
	c.sendWith("task.cancel", map[string]any{"taskid": taskid}, func(k *call) { k.taskid, k.outcome = taskid, cancelled })
}

// Outcomes of a call that are no result, as its client gets them.
const (
	cancelled    = "error -32001"
	timedOut     = "error -32000"
	expired      = "error -32011"
	sessionEnded = "error -32600"
)

// anyTask returns the id of a task that somebody has seen, "" if nobody has.
func (w *world) anyTask() string {
	if len(w.known) == 0 {
		return ""
	}
	recent := w.known[max(0, len(w.known)-8):]
	return recent[w.rng.IntN(len(recent))]
}

// How a worker may finish a task.
const (
	withResult = iota
	withError
	withReject
)

func (c *client) finish(taskid string, how int) {
	if !c.open || c.deaf {
		return
	}
	n := len(c.w.calls) + 1
	if how == withResult && isLogin(taskid) {
		user := userNames[c.w.rng.IntN(len(userNames))]
		c.sendWith("task.result", map[string]any{"taskid": taskid, "result": vouchedFor(user)}, func(k *call) { k.taskid, k.vouches = taskid, user })
		return
	}
	switch how {
	case withResult:
		result := map[string]any{"by": n}
		if c.w.rng.IntN(12) == 0 {
			result["pad"] = strings.Repeat("y", large)
		}
		c.sendWith("task.result", map[string]any{"taskid": taskid, "result": result}, func(k *call) { k.taskid, k.outcome = taskid, fmt.Sprintf("result by %d", n) })
	case withError:
		c.sendWith("task.error", map[string]any{"taskid": taskid, "code": n, "message": "no"}, func(k *call) { k.taskid, k.outcome = taskid, fmt.Sprintf("error %d", n) })
	default:
		c.sendWith("task.reject", map[string]any{"taskid": taskid}, func(k *call) { k.taskid = taskid })
	}
}
