package sim

import (
	"encoding/json"
	"time"
)

// What becomes of $disconnect, which API Gateway promises to nobody: it comes late, twice or not at all, and before or beside the $connect of a client
// that gives up.

// lifecycle is what is read of an event of a connection.
type lifecycle struct {
	RequestContext struct {
		EventType string `json:"eventType"`
	} `json:"requestContext"`
}

// admit holds an event of a connection back until it is to come, false for never. run carries out another one.
func (w *world) admit(payload []byte, run func(payload []byte)) bool {
	var e lifecycle
	if json.Unmarshal(payload, &e) != nil {
		return true
	}
	switch e.RequestContext.EventType {
	case "CONNECT":
		w.givenUp(payload, run)
		return true
	case "DISCONNECT":
		return w.admitEnd(payload, run)
	}
	return true
}

// givenUp has the $disconnect of a client that gives up come before its $connect, or beside it.
func (w *world) givenUp(payload []byte, run func(payload []byte)) {
	w.mu.Lock()
	c := w.connecting
	w.connecting = nil
	early, after := false, time.Duration(0)
	if c != nil && c.givesUp {
		early, after = w.chance.IntN(2) == 0, time.Duration(1+w.chance.Int64N(int64(30*time.Millisecond)))
	}
	w.mu.Unlock()
	if c == nil || !c.givesUp {
		return
	}
	end := edited(payload, func(e map[string]any) {
		about := e["requestContext"].(map[string]any)
		about["eventType"], about["routeKey"] = "DISCONNECT", "$disconnect"
		about["requestId"] = w.newID()
	})
	if early {
		w.because("$disconnect of %s, before its $connect", c)
		run(end)
		w.because("$connect of %s", c)
		return
	}
	w.agenda.add(time.Now().Add(after), func() {
		w.because("$disconnect of %s, beside its $connect", c)
		go run(end)
	})
}

// admitEnd decides about a $disconnect event.
func (w *world) admitEnd(payload []byte, run func(payload []byte)) bool {
	w.mu.Lock()
	lost := w.chance.Float64() < w.weather.lostEnds
	after := time.Duration(1 + w.chance.Int64N(int64(w.weather.lateEnds)+1))
	twice, again := w.chance.IntN(8) == 0, time.Duration(1+w.chance.Int64N(int64(5*time.Second)))
	w.mu.Unlock()
	if lost {
		w.logf("lost $disconnect")
		return false
	}
	ready := make(chan struct{})
	w.agenda.add(time.Now().Add(after), func() { w.because("$disconnect"); close(ready) })
	if twice {
		w.agenda.add(time.Now().Add(after+again), func() {
			w.because("$disconnect again")
			go run(payload)
		})
	}
	select {
	case <-ready:
		return true
	case <-w.wire.over:
		return false
	}
}
