package sim

import (
	"encoding/json"
	"time"

	"nexus/pkg/nexus"
)

// What holds of calls and tasks whose session has ended.

// said is the outcome that a call's own handler had for it, whether or not its client was there to hear it; "" if it had none.
func (k *call) said() string {
	if k.unheard == "" {
		return k.got()
	}
	var a answer
	_ = json.Unmarshal([]byte(k.unheard), &a)
	return a.outcome()
}

// takenBefore tells whether API Gateway surely took a call before its session ended: by $disconnect, which comes after all that the client sent, or by whoever
// found that the client was gone.
func (h *history) takenBefore(k *call) bool {
	c := k.client
	if c.endedBy == nil || h.wasKicked(c) {
		return false
	}
	return c.endedBy.function == nexus.FunctionConnection || k.at.Add(h.apart()).Before(c.endedBy.began.Add(-time.Millisecond))
}

// wasKicked tells whether somebody asked for the end of a client's session: what it sent before is refused too.
func (h *history) wasKicked(c *client) bool {
	for _, k := range h.calls {
		if k.method == "sys.session.kick" && k.other == c {
			return true
		}
	}
	return false
}

// checkOutlived: a call that makes sense without its caller, and that API Gateway took before its session ended, is carried out, unless its invocation was
// killed or failed.
func (h *history) checkOutlived() {
	for _, k := range h.calls {
		if !k.alone || k.inv == nil || k.inv.ended.IsZero() || !h.takenBefore(k) {
			continue
		}
		said := k.said()
		if said == sessionEnded {
			h.failf("outlived: %s, sent at %v, was refused, since its session ended at %v", k, k.at.Sub(h.began), k.client.sessionEnded.Sub(h.began))
		}
		stored := h.tasks[k.request] != nil
		if k.push != nil && !stored && (said == "result" || k.id == "" && !k.inv.hurt) {
			h.failf("outlived: %s was carried out, but there was never a task", k)
		}
		if (k.method == "task.result" || k.method == "task.error" || k.method == "task.cancel") && said == "result" && h.done[k.request] == nil {
			h.failf("outlived: %s was carried out, but ended nothing", k)
		}
	}
}

// limitExceeded is what the pusher of a task gets whose worker sent too much.
const limitExceeded = "error -32012"

// tooBig tells whether the worker of a task, or the one that it had last, is gone for what it sent.
func (h *history) tooBig(s *snap) bool {
	for _, connid := range []string{s.worker, s.lost} {
		if c := h.by(connid); c != nil && c.tooBig {
			return true
		}
	}
	return false
}

// checkTooBig: a task whose worker ends for what it sends goes to no other worker, if $disconnect was the first to tell of that end and the worker surely had
// the task: it ends, and its pusher is told -32012, unless somebody's call, its deadline or the end of its pusher was faster.
func (h *history) checkTooBig() {
	for _, l := range h.trace.order {
		for n, s := range l.snaps[:len(l.snaps)-1] {
			next := l.snaps[n+1]
			c := h.by(s.worker)
			if !s.works() || c == nil || !c.tooBig || c.endedBy == nil || c.endedBy.function != nexus.FunctionConnection || !next.at.After(c.sessionEnded) {
				continue
			}
			still := next.works() && next.attempt == s.attempt
			byCall := h.byRequest[next.ret] != nil && next.ret != s.ret || h.byRequest[next.fin] != nil
			if still || byCall || !h.had(l, s, c.sessionEnded) {
				continue
			}
			ended := c.sessionEnded.Sub(h.began)
			if !next.done() {
				h.failf("too big: %s goes on at %v, but its worker %s ended at %v for what it sent", l.taskid(), next.at.Sub(h.began), c, ended)
				continue
			}
			k := h.byRequest[s.push]
			if k == nil || k.push == nil || k.push.detached || !next.deadline.After(next.at.Add(h.apart())) {
				continue
			}
			if got := k.got(); got != "" && got != limitExceeded && got != sessionEnded {
				h.failf("too big: %s got %s, but its worker %s ended at %v for what it sent", k, got, c, ended)
			}
		}
	}
}

// had tells whether the worker of a task had surely been handed it at a time, and the handler that did so had noted it.
func (h *history) had(l *life, s *snap, at time.Time) bool {
	for _, o := range h.handed[l.taskid()] {
		if inv := o.post.inv; o.to.client.connid == s.worker && o.to.id == s.workerID {
			return !inv.hurt && !inv.ended.IsZero() && inv.ended.Before(at)
		}
	}
	return false
}
