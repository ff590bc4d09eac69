package sim

import (
	"encoding/json"
	"strings"
	"time"

	"nexus/pkg/store"
	"nexus/pkg/timer"
)

// apply gives a request to its service and notes what it did.
func (w *world) apply(r *request) response {
	w.requests++
	out := &Outgoing{Op: r.op, Table: r.target, Function: r.inv.function, Body: r.body, Stored: r.inv.stored, Wronged: w.wronged(r)}
	if rewrite := w.options.Rewrite; rewrite != nil {
		rewrite(out)
		r.body = out.Body
		if out.Answer != nil {
			w.logf("do %s: answered by the mutation", r)
			return said(r, 200, string(out.Answer))
		}
	}
	a := w.wire.send(r)
	if a.err == nil && out.Edit != nil {
		a = a.edited(out.Edit)
	}
	if a.err != nil {
		w.logf("do %s: %v", r, a.err)
		return a
	}
	w.logf("do %s: %d", r, a.http.StatusCode)
	done := a.http.StatusCode < 300
	if done && r.writes() {
		w.sources.changed(r.target)
	}
	switch {
	case r.writes() && done:
		if r.op == "PutItem" && r.target == store.Tasks {
			r.inv.stored = true
		}
		w.observe(r)
	case r.op == "POST":
		w.posted(r, done)
	case (r.op == "SendMessage" || r.op == "SendMessageBatch") && done:
		w.sources.sent(r)
		w.buried(r)
	}
	return a
}

// post is a message that API Gateway took for a connection.
type post struct {
	inv  *invocation
	to   *client
	id   string // JSON-RPC id, as text
	text string
	at   time.Time
	call *call // that it answers
}

// posted notes a post that was taken.
func (w *world) posted(r *request, taken bool) {
	c := w.clientOf(r.target)
	if !taken || c == nil {
		w.logf("not posted to %s", r.target)
		if k := r.inv.call; k != nil && k.client == c && k.id == frameID(r.body) {
			k.unheard = string(r.body)
		}
		if c != nil && c.slow {
			r.inv.hurt = true // its handler hears of an error
			if r.inv.call != nil && r.inv.call.client == c {
				r.inv.mute = true
			}
		}
		return
	}
	p := &post{inv: r.inv, to: c, text: string(r.body), at: time.Now(), id: frameID(r.body)}
	p.call = c.sent[p.id]
	w.posts = append(w.posts, p)
	if p.call != nil {
		p.call.posts = append(p.call.posts, p)
	}
	w.logf("post to %s: %s", c, brief(p.text))
}

const idMember = `{"jsonrpc":"2.0","id":`

// frameID reads the id of an answer, whose form is the bus' own.
func frameID(frame []byte) string {
	s, ok := strings.CutPrefix(string(frame), idMember)
	if !ok {
		return ""
	}
	end := strings.IndexByte(s, ',')
	if end < 0 {
		return ""
	}
	return s[:end]
}

// brief cuts what is long.
func brief(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "…"
	}
	return s
}

// wakes reads what a request of the delay queue sends: the messages and when they come.
func wakes(r *request) []timer.Later {
	type message struct {
		MessageBody  string
		DelaySeconds int
	}
	var in struct {
		message
		Entries []message
	}
	if json.Unmarshal(r.body, &in) != nil {
		return nil
	}
	if r.op == "SendMessage" {
		in.Entries = []message{in.message}
	}
	var all []timer.Later
	for _, m := range in.Entries {
		wake, err := timer.Parse(m.MessageBody)
		if err != nil {
			continue
		}
		all = append(all, timer.Later{After: time.Duration(m.DelaySeconds) * time.Second, Wake: wake})
	}
	return all
}
