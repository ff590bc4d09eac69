package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"nexus/pkg/session"
	"nexus/pkg/timer"
)

// hotPath is the path on which most of a run's clients meet.
const hotPath = "hot."

// role is how a client behaves.
type role struct {
	pushes, pulls, cancels, lists int // chances of what it does next
	detaches                      int // in percent
	pace                          time.Duration
	watchdog                      int64 // seconds
	atOnce                        int   // pulls
	// end plans its end: after how long, and how.
	end    time.Duration
	ending ending
}

// ending is how a connection comes to its end.
type ending int

const (
	stays    ending = iota // until the end of the run
	closes                 // with a close frame
	cut                    // which API Gateway notices at once
	vanishes               // which API Gateway notices much later
	kicked                 // the session is ended by the bus
	silent                 // until the watchdog ends it
	endings
)

func (w *world) newRole() role {
	r := role{pace: []time.Duration{5 * time.Millisecond, 100 * time.Millisecond, 2 * time.Second}[w.rng.IntN(3)], watchdog: session.MaxWatchdog, atOnce: 1 + w.rng.IntN(3),
		detaches: w.rng.IntN(100)}
	if w.crowded {
		r.pace = 5 * time.Millisecond
	}
	switch w.rng.IntN(5) {
	case 0, 1:
		r.pushes = 10
	case 2, 3:
		r.pulls = 10
	case 4:
		r.pushes, r.pulls = 5, 5
	}
	r.cancels, r.lists = w.rng.IntN(3), w.rng.IntN(2)
	if r.ending = ending(w.rng.IntN(2 * int(endings))); r.ending >= endings {
		r.ending = stays
	}
	r.end = time.Duration(w.rng.Int64N(int64(w.activity)))
	if w.rng.IntN(2) == 0 {
		r.end /= 20
	}
	if r.ending == silent {
		r.watchdog = session.MinWatchdog
	}
	return r
}

// plan plans the client's end.
func (r *role) plan(c *client) {
	if r.ending == stays || r.ending == silent {
		return
	}
	c.w.soon(r.end, func() {
		if !c.open {
			return
		}
		switch r.ending {
		case closes:
			c.end(1000, "closes")
		case cut:
			c.end(1006, "is cut")
		case vanishes:
			c.deaf = true
			c.w.logf("%s vanishes", c)
			c.w.soon(c.w.think()*100, func() { c.end(1006, "is noticed to be gone") })
		case kicked:
			c.w.logf("%s is kicked", c)
			c.w.sources.wake(timer.Wake{Kind: session.WakeEnded, Key: []string{c.connid}})
		}
	})
}

func (w *world) soon(d time.Duration, f func()) { w.agenda.add(time.Now().Add(d), f) }

// think is a time that a client takes.
func (w *world) think() time.Duration {
	pace := []time.Duration{2 * time.Millisecond, 50 * time.Millisecond, time.Second, 5 * time.Second}[w.rng.IntN(4)]
	return time.Duration(1 + w.rng.Int64N(int64(pace)))
}

// act has a client do its next thing.
func (c *client) act() {
	w := c.w
	if w.closing || !c.open || c.deaf {
		return
	}
	if c.role.ending == silent && time.Since(w.began) > c.role.end {
		return
	}
	r := &c.role
	switch n := w.rng.IntN(r.pushes + r.pulls + r.cancels + r.lists + 1); {
	case n < r.pushes:
		c.doPush()
	case n < r.pushes+r.pulls:
		if c.pulls < r.atOnce {
			c.doPull()
		}
	case n < r.pushes+r.pulls+r.cancels:
		c.doCancel()
	case n < r.pushes+r.pulls+r.cancels+r.lists:
		c.send("task.list", map[string]any{"prefix": "", "limit": 50})
	default:
		if other := w.anyTask(); other != "" { // any session may finish a task it knows
			c.finish(other, w.rng.IntN(3))
		}
	}
	if c.role.ending != closes || w.rng.IntN(10) > 0 {
		w.soon(time.Duration(1+w.rng.Int64N(2*int64(r.pace))), c.act)
	}
}

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

// outcome is an answer in the words of call.outcome.
func (a *answer) outcome() string {
	if a.Error != nil {
		return fmt.Sprintf("error %d", a.Error.Code)
	}
	var result struct {
		By int `json:"by"`
	}
	if json.Unmarshal(a.Result, &result) == nil && result.By > 0 {
		return fmt.Sprintf("result by %d", result.By)
	}
	return "result"
}

// pulled is what task.pull answers.
type pulled struct {
	Taskid string `json:"taskid"`
	Path   string `json:"path"`
	TTL    int64  `json:"ttl"`
	Prio   int64  `json:"prio"`
	Detach bool   `json:"detach"`
	Params struct {
		Push int `json:"push"`
	} `json:"params"`
}

// answered is what a client does about an answer.
func (c *client) answered(k *call, a *answer) {
	w := c.w
	switch {
	case k.method == "task.pull":
		c.pulls--
		if a.Error == nil {
			var task pulled
			if json.Unmarshal(a.Result, &task) == nil && task.Taskid != "" {
				w.know(task.Taskid)
				c.work(task.Taskid)
			}
		}
		if w.rng.IntN(2) == 0 {
			w.soon(time.Duration(1+w.rng.Int64N(int64(5*time.Millisecond))), func() {
				if !w.closing && c.open && !c.deaf {
					c.doPull()
				}
			})
		}
	case k.method == "task.list" && a.Error == nil:
		var listed []struct {
			ID     string `json:"id"`
			Method string `json:"method"`
		}
		if json.Unmarshal(a.Result, &listed) == nil {
			for _, l := range listed {
				if l.Method != "" {
					w.know(l.ID)
				}
			}
		}
	}
}

func (w *world) know(taskid string) {
	if !slices.Contains(w.known, taskid) {
		w.known = append(w.known, taskid)
	}
}

// work is what a worker does with a task, after a while.
func (c *client) work(taskid string) {
	w := c.w
	after := func(f func()) {
		w.soon(w.think(), func() {
			if !w.closing && c.open && !c.deaf {
				f()
			}
		})
	}
	switch n := w.rng.IntN(20); {
	case n < 7:
		after(func() { c.finish(taskid, withResult) })
	case n < 9:
		after(func() { c.finish(taskid, withError) })
	case n < 13:
		after(func() { c.finish(taskid, withReject) })
	case n < 15: // twice
		after(func() {
			c.finish(taskid, w.rng.IntN(3))
			c.w.soon(w.think()/100, func() { c.finish(taskid, w.rng.IntN(3)) })
		})
	case n < 16:
		after(func() { c.end(1006, "dies at work") })
	case n < 17: // late
		w.soon(30*time.Second, func() {
			if !w.closing {
				c.finish(taskid, withResult)
			}
		})
	default: // sits on it
	}
}
