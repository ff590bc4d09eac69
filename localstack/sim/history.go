package sim

import (
	"encoding/json"
	"time"
)

// history is the run as the invariants look at it: what clients sent and got, and the lives of items, joined.
type history struct {
	*world
	end   time.Time
	tasks map[string]*life // by the request that pushed it
	// written tells, by request, when it first changed an item: from then on the call is recorded.
	written map[string]time.Time
	done    map[string]*snap // by the request that finished an item: how it was then
	sender  map[int]*call    // of each message
	// handed are the hand-overs that were posted, by life.taskid.
	handed map[string][]*handover
}

// handover is a task as it was posted to a worker. A repeated post is the same one.
type handover struct {
	to   *call
	task pulled
	post *post
}

// taskid is the id by which clients know an item, without the session that theirs begins with.
func (l *life) taskid() string { return l.key[1] + "-" + l.key[0] }

// withoutSession is a taskid as life.taskid makes it.
func withoutSession(taskid string) string {
	const session, id = 16, 26
	if len(taskid) > id && taskid[id] != '-' {
		return taskid[session:]
	}
	return taskid
}

// look joins what was recorded.
func (w *world) look() *history {
	h := &history{world: w, end: time.Now(), tasks: map[string]*life{}, written: map[string]time.Time{}, done: map[string]*snap{},
		handed: map[string][]*handover{}, sender: map[int]*call{}}
	for _, k := range w.calls {
		for _, n := range k.messages {
			h.sender[n] = k
		}
	}
	for _, l := range w.trace.order {
		for _, s := range l.snaps {
			for _, request := range []string{s.push, s.pull, s.claim, s.ret, s.fin} {
				if _, known := h.written[request]; !known && request != "" {
					h.written[request] = s.at
				}
			}
			if s.done() && s.fin != "" && h.done[s.fin] == nil {
				h.done[s.fin] = s
			}
			if s.push != "" {
				if first := h.tasks[s.push]; first != nil && first != l {
					w.failf("one task of a push: %s made %s and %s", w.byRequest[s.push], first.taskid(), l.taskid())
				}
				h.tasks[s.push] = l
			}
		}
	}
	for _, p := range w.posts {
		if p.call == nil || p.call.pull == nil {
			continue
		}
		a, task := p.answer(), pulled{}
		if a.Error != nil || json.Unmarshal(a.Result, &task) != nil || task.Taskid == "" {
			continue
		}
		if id := withoutSession(task.Taskid); !h.wasHanded(id, p.call) {
			h.handed[id] = append(h.handed[id], &handover{p.call, task, p})
		}
	}
	return h
}

func (h *history) wasHanded(taskid string, to *call) bool {
	for _, o := range h.handed[taskid] {
		if o.to == to {
			return true
		}
	}
	return false
}

// answer reads a post.
func (p *post) answer() *answer {
	var a answer
	_ = json.Unmarshal([]byte(p.text), &a) // the client that gets it has checked it
	return &a
}

// outcome is the first answer to a call in the words of call.outcome, "" if it got none.
func (k *call) got() string {
	if len(k.posts) == 0 {
		return ""
	}
	return k.posts[0].answer().outcome()
}

// alive tells whether the connection of a client was there until a time.
func (c *client) alive(until time.Time) bool {
	return c.conn != nil && (c.ended.IsZero() || c.ended.After(until))
}

// by finds the client of a connid.
func (w *world) by(connid string) *client {
	for _, c := range w.clients {
		if c.connid == connid && connid != "" {
			return c
		}
	}
	return nil
}
