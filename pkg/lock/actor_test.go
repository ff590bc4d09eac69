package lock_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"nexus/localstack/gateway"
	"nexus/pkg/nexus"
)

// actor is one of the clients, on one connection after another.
type actor struct {
	w      *world
	conn   *gateway.Conn // nil: none
	connid string
	number int // of the session
	ids    int
	holds  map[int]bool
	inbox  chan string
}

// Send implements gateway.Transport.
func (a *actor) Send(text []byte) error {
	a.inbox <- string(text)
	return nil
}

// Close implements gateway.Transport.
func (*actor) Close(int, string) {}

// connect opens a new connection and logs in.
func (a *actor) connect() error {
	a.inbox, a.holds = make(chan string, 100), map[int]bool{}
	own := *a // a late message for this connection must not reach the next
	conn, err := a.w.Gateway.Connect(a.w.t.Context(), nexus.V1, gateway.ConnectRequest{SourceIP: "192.0.2.7"}, &own)
	if err != nil {
		return err
	}
	a.conn = conn
	if a.connid, err = a.w.Bus.Sessions.Post.Connid(nexus.V1, conn.ID()); err != nil {
		return err
	}
	a.w.mu.Lock()
	a.number = len(a.w.sessions) + 1
	a.w.sessions[a.connid] = a.number
	a.w.mu.Unlock()
	if a.number == maxSessions {
		return errors.New("too many sessions for the model")
	}
	if answer, ok := a.ask("sys.login", `{"user":"root","pass":"root"}`, nil); !ok || !strings.Contains(answer, `"ok":true`) {
		return fmt.Errorf("login: %s", answer)
	}
	return nil
}

// ask sends a request and waits for its answer, or until what has been started meanwhile is over; ok is false then.
func (a *actor) ask(method, params string, meanwhile <-chan struct{}) (answer string, ok bool) {
	a.ids++
	a.conn.Receive(fmt.Appendf(nil, `{"id":%d,"method":%q,"params":%s}`, a.ids, method, params))
	prefix := fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,`, a.ids)
	late := time.After(time.Minute)
	for {
		select {
		case text := <-a.inbox:
			if rest, ok := strings.CutPrefix(text, prefix); ok { // a post whose response was lost comes twice
				return rest, true
			}
		case <-meanwhile:
			return "", false
		case <-late:
			a.w.t.Errorf("no answer to %s", method)
			return "", false
		}
	}
}

// do carries out a sync.lock or sync.unlock and adds it to the history. meanwhile is as in ask.
func (a *actor) do(k kind, n int, meanwhile <-chan struct{}) output {
	method := map[kind]string{locking: "sync.lock", unlocking: "sync.unlock"}[k]
	call := a.w.now()
	answer, ok := a.ask(method, fmt.Sprintf(`{"lock":"lock.%d"}`, n), meanwhile)
	done := a.w.now()
	var out output
	_, err := fmt.Sscanf(answer, `"result":{"ok":true,"fence":%d}}`, &out.fence)
	switch {
	case !ok:
		done = never
	case k == locking && err == nil, k == unlocking && answer == `"result":{"ok":true}}`:
		out.known, out.ok = true, true
	case answer == `"error":{"code":-32006,"message":"Lock not owned"}}`:
		out.known = true
	case answer == `"error":{"code":-32600,"message":"Invalid request:[session ended]"}}`: // a kicked one's last
		return out
	case k == unlocking && answer == `"error":{"code":-32603,"message":"Internal error"}}`: // done or not, it is over
	default:
		a.w.t.Errorf("%s: %s", method, answer)
	}
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	a.w.history = append(a.w.history, op(input{k, n, a.number}, out, call, done))
	return out
}

// die ends the actor's session in one of the ways there are.
func (a *actor) die() {
	conn, connid := a.conn, a.connid
	a.conn = nil
	a.w.dies(connid)
	switch a.w.below(3) {
	case 0: // cut, and nobody hears of it
		a.w.mu.Lock()
		a.w.unheard[conn.ID()] = true
		a.w.mu.Unlock()
		conn.Closed(1006, "")
	case 1: // ended by its client
		conn.Closed(1000, "")
	case 2: // kicked
		if err := a.w.Bus.Sessions.End(a.w.t.Context(), connid, false); err != nil {
			a.w.t.Errorf("kick: %v", err)
		}
	}
}

// live takes and gives back locks, and dies now and then, also in the middle of a request.
func (a *actor) live() {
	for range rounds {
		if a.conn == nil {
			if err := a.connect(); err != nil {
				a.w.t.Error(err)
				return
			}
		}
		n, k := a.w.below(locks), locking
		for held := range locks {
			if a.holds[held] && !a.w.chance(4) {
				n, k = held, unlocking
			}
		}
		if k == locking && a.w.chance(10) {
			k = unlocking
		}
		var dead chan struct{}
		if a.w.chance(12) {
			dead = make(chan struct{})
			go func(own actor) {
				defer close(dead)
				a.w.pause(50 * time.Millisecond)
				own.die()
			}(*a)
		}
		out := a.do(k, n, dead)
		if dead != nil {
			<-dead
			a.conn = nil
			continue
		}
		if out.ok {
			a.holds[n] = k == locking
		}
		if a.w.chance(25) {
			a.die()
		}
		a.w.pause(200 * time.Millisecond)
	}
	if a.conn != nil {
		a.die()
	}
}
