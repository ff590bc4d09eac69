package sim

import (
	"strings"
	"time"
)

// In some runs clients close their connections right behind a call that makes sense without them, and their $disconnect overtakes it.

// outlives tells whether a call is carried out though its session has ended, if API Gateway took it before.
func (k *call) outlives(params map[string]any) bool {
	switch k.method {
	case "task.push":
		detached, _ := params["detach"].(bool)
		return detached
	case "task.result", "task.error", "task.reject", "task.cancel", "pipe.write", "topic.pub", "topic.sub", "topic.unsub", "sync.unlock":
		return true
	}
	return strings.HasPrefix(k.method, "user.") && k.method != "user.list" && k.method != "user.count"
}

// held is how long an invocation is held back at most: $disconnect is mostly faster.
const held = time.Second

// hurry may have a client close its connection right behind a call.
func (c *client) hurry(k *call) {
	w := c.w
	k.alone = true
	if !w.hurried || w.closing || w.rng.IntN(12) > 0 {
		return
	}
	k.late = time.Duration(1 + w.rng.Int64N(int64(held)))
	w.soon(0, func() { c.end(1000, "closes at once") })
}

// holdBack holds back the invocation for the call that was just sent, if it is to come late.
func (w *world) holdBack() {
	w.mu.Lock()
	k := w.sending
	if k == nil || k.late == 0 {
		w.mu.Unlock()
		return
	}
	w.sending = nil
	w.mu.Unlock()
	ready := make(chan struct{})
	w.agenda.add(time.Now().Add(k.late), func() {
		w.because("%s, held back", k)
		w.mu.Lock()
		w.sending = k
		w.mu.Unlock()
		close(ready)
	})
	select {
	case <-ready:
	case <-w.wire.over:
	}
}

// withoutStatus takes from a $disconnect why its connection ended.
func withoutStatus(payload []byte) []byte {
	return edited(payload, func(e map[string]any) { delete(e["requestContext"].(map[string]any), "disconnectStatusCode") })
}
