package transcript

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Wait is how long an expectation waits for its message: what the bus answers late (cold starts, timers, up to 5 s after a deadline) is in time.
const Wait = 20 * time.Second

// Play plays the script against t, once on each of its stages. The error names file and line, what was expected and what came. It closes the
// connections that it opened.
func (s *Script) Play(ctx context.Context, t Target) error {
	if s.Elapses() > 0 {
		if err := t.Advance(ctx, 0); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	for _, stage := range s.Stages {
		if err := s.play(ctx, t, stage); err != nil {
			return fmt.Errorf("%w (on %s)", err, stage)
		}
	}
	return nil
}

func (s *Script) play(ctx context.Context, t Target, stage string) error {
	user, pass := t.Root()
	p := &player{target: t, stage: stage, vars: variables{
		"uniq": quote("t" + strings.ToLower(rand.Text()[:12])), "root": quote(user), "pass": quote(pass)}}
	defer p.cutAll()
	for i, st := range s.steps {
		if err := p.step(ctx, st, s.steps[i+1:]); err != nil {
			return fmt.Errorf("%s:%d: %w", s.Name, st.line, err)
		}
	}
	for _, c := range p.conns {
		if err := p.hangUp(ctx, c, Conn.Close); err != nil {
			return fmt.Errorf("%s: at the end: %w", s.Name, err)
		}
	}
	return nil
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always encodes
	return string(b)
}

type player struct {
	target Target
	stage  string
	vars   variables
	conns  []*connection // open ones, in the order they were opened
	met    bool          // the expectation that comes next was met by the ask before it
}

type connection struct {
	Conn
	name    string
	pending []message
	asked   map[string]int // by id as sent: requests whose answer no expectation took
	pings   int
}

func (p *player) step(ctx context.Context, st step, next []step) error {
	if st.verb == advance {
		return p.target.Advance(ctx, st.elapse)
	}
	if st.verb == connect {
		if p.find(st.conn) != nil {
			return fmt.Errorf("%s is connected", st.conn)
		}
		_, err := p.dial(ctx, st.conn, st.stage)
		return err
	}
	c := p.find(st.conn)
	if c == nil {
		if st.verb != send && st.verb != ask {
			return fmt.Errorf("%s is not connected", st.conn)
		}
		var err error
		if c, err = p.dial(ctx, st.conn, ""); err != nil {
			return err
		}
	}
	switch st.verb {
	case send:
		return p.send(c, st.parts)
	case ask:
		p.met = true
		return p.ask(ctx, c, st.parts, next[0])
	case expect:
		if p.met {
			p.met = false
			return nil
		}
		return p.expect(ctx, c, st)
	case expectNothing:
		return p.drain(ctx, c)
	case expectClosed:
		return p.expectClosed(ctx, c, st.code)
	case hangUp:
		return p.hangUp(ctx, c, Conn.Close)
	default:
		return p.hangUp(ctx, c, Conn.Cut)
	}
}

func (p *player) find(name string) *connection {
	for _, c := range p.conns {
		if c.name == name {
			return c
		}
	}
	return nil
}

func (p *player) dial(ctx context.Context, name, stage string) (*connection, error) {
	if stage == "" {
		stage = p.stage
	}
	conn, err := p.target.Dial(ctx, stage)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c := &connection{Conn: conn, name: name, asked: map[string]int{}}
	p.conns = append(p.conns, c)
	return c, nil
}

func (p *player) send(c *connection, parts []part) error {
	text, err := p.vars.expand(parts)
	if err != nil {
		return err
	}
	var request struct {
		ID json.RawMessage `json:"id"`
	}
	if json.Unmarshal([]byte(text), &request) == nil && request.ID != nil {
		c.asked[string(request.ID)]++
	}
	if err := c.Send([]byte(text)); err != nil {
		return fmt.Errorf("%s could not send: %w", c.name, err)
	}
	return nil
}

// hangUp ends a connection, by close or by cut, after a look at what it was sent.
func (p *player) hangUp(ctx context.Context, c *connection, end func(Conn) error) error {
	if err := p.drain(ctx, c); err != nil {
		return err
	}
	p.forget(c)
	if err := end(c.Conn); err != nil {
		return fmt.Errorf("%s could not end: %w", c.name, err)
	}
	return nil
}

// forget makes a connection's name free for a new one.
func (p *player) forget(c *connection) {
	p.conns = slices.DeleteFunc(slices.Clone(p.conns), func(other *connection) bool { return other == c })
}

// cutAll ends what a failed play left open.
func (p *player) cutAll() {
	for _, c := range p.conns {
		_ = c.Cut() // the play failed already, with an error that says more
	}
}
