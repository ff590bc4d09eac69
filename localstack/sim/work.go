package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"nexus/pkg/nexus"
)

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
		if w.rng.IntN(4) > 0 {
			w.soon(time.Duration(1+w.rng.Int64N(int64(5*time.Millisecond))), func() {
				if !w.closing && c.open && !c.deaf {
					c.doPull()
				}
			})
		}
	case k.method == "task.push":
		c.pushes--
	case k.pipe != nil || k.method == "pipe.create":
		c.pipeAnswered(k, a)
	case k.method == "sys.login" || k.method == "sys.reload":
		c.entries--
	case k.topic != "" || k.sub != nil:
		c.topicAnswered(k)
	case k.lock != "":
		c.lockAnswered(k, a)
	case k.method == "task.list" && a.Error == nil:
		var listed []struct {
			ID     string `json:"id"`
			Method string `json:"method"`
		}
		if json.Unmarshal(a.Result, &listed) == nil {
			for _, l := range listed {
				if l.Method != "" && l.ID != "" {
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
	case w.greedy && n < 7:
		after(func() { c.end(nexus.CloseTooBig, "has too big a result") })
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
