package transcript

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// message is one that came and that no expectation took.
type message struct {
	raw   []byte
	value *value // nil if it is no JSON
	id    *value // nil if it has none
}

// receive waits for one more message.
func (c *connection) receive(ctx context.Context) error {
	raw, err := c.Receive(ctx)
	if err != nil {
		return err
	}
	m := message{raw: raw}
	if m.value, err = parseMessage(raw); err == nil {
		m.id = m.value.member("id")
	}
	c.pending = append(c.pending, m)
	return nil
}

func (v *value) member(name string) *value {
	for _, m := range v.members {
		if len(m.name) == 1 && m.name[0].text == name {
			return m.value
		}
	}
	return nil
}

// take removes a message that an expectation took.
func (c *connection) take(i int) {
	if id := c.pending[i].id; id != nil {
		c.asked[id.raw]--
	}
	c.pending = slices.Delete(c.pending, i, i+1)
}

// accept takes the first message that matches and keeps what the pattern bound.
func (p *player) accept(c *connection, pattern *value) bool {
	for i, m := range c.pending {
		if m.value == nil {
			continue
		}
		vars := maps.Clone(p.vars)
		if vars.match(pattern, m.value) == nil {
			p.vars = vars
			c.take(i)
			return true
		}
	}
	return false
}

func (p *player) expect(ctx context.Context, c *connection, st step) error {
	waiting, stop := context.WithTimeout(ctx, Wait)
	defer stop()
	for {
		if p.accept(c, st.expect) {
			return nil
		}
		if err := p.hopeless(c, st.expect); err != nil {
			return fmt.Errorf("%s expected %s\n%w%s", c.name, st.source, err, c.report())
		}
		if err := c.receive(waiting); err != nil {
			return fmt.Errorf("%s expected %s\nbut: %w%s", c.name, st.source, failure(ctx, err), c.report())
		}
	}
}

var errNoID = errors.New("a message without an id came")

// hopeless returns why no message can meet the pattern any more, if the wrong one came: with its id, and nothing further is asked with that id; or
// with no id at all.
func (p *player) hopeless(c *connection, pattern *value) error {
	wanted := pattern.member("id")
	var wrong error
	came := map[string]int{}
	for _, m := range c.pending {
		switch {
		case m.value == nil || m.id == nil:
			return errNoID
		case wanted == nil || !p.vars.certain(wanted) || maps.Clone(p.vars).match(wanted, m.id) != nil:
			continue
		}
		came[m.id.raw]++
		if m.id.raw == "null" || came[m.id.raw] >= c.asked[m.id.raw] {
			wrong = maps.Clone(p.vars).match(pattern, m.value)
		}
	}
	return wrong
}

// certain tells whether a pattern for an id fits one value only.
func (vars variables) certain(id *value) bool {
	switch id.kind {
	case variable:
		return vars[id.name] != ""
	case text:
		parts, known := vars.decode(id.parts)
		return known && !slices.ContainsFunc(parts, func(p part) bool { return p.star })
	default:
		return id.kind != anything && id.kind != expression
	}
}

// failure says what the end of a wait means.
func failure(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("nothing more came within %v", Wait)
	}
	return err
}

// report lists the messages that are left.
func (c *connection) report() string {
	if len(c.pending) == 0 {
		return "\nno message is left"
	}
	var b strings.Builder
	for _, m := range c.pending {
		fmt.Fprintf(&b, "\ncame %s", short(string(m.raw)))
	}
	return b.String()
}

// The pauses of ask.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// ask sends a request until its answer meets the expectation. Answers before that are dropped.
func (p *player) ask(ctx context.Context, c *connection, parts []part, st step) error {
	waiting, stop := context.WithTimeout(ctx, Wait)
	defer stop()
	var last error
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if err := p.send(c, parts); err != nil {
			return err
		}
		for {
			if p.accept(c, st.expect) {
				return nil
			}
			if last = p.hopeless(c, st.expect); last != nil {
				break
			}
			if err := c.receive(waiting); err != nil {
				return fmt.Errorf("%s expected %s\nbut: %w%s", c.name, st.source, failure(ctx, err), c.report())
			}
		}
		if errors.Is(last, errNoID) {
			return fmt.Errorf("%s expected %s\n%w%s", c.name, st.source, last, c.report())
		}
		p.drop(c, st.expect.member("id"))
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-waiting.Done():
			timer.Stop()
			return fmt.Errorf("%s expected, asking for %v, %s\n%w", c.name, Wait, st.source, last)
		}
	}
}

// drop takes the messages with an id.
func (p *player) drop(c *connection, id *value) {
	for i := len(c.pending) - 1; i >= 0; i-- {
		if m := c.pending[i]; m.id != nil && maps.Clone(p.vars).match(id, m.id) == nil {
			c.take(i)
		}
	}
}

// drain pings and then wants no message to be left.
func (p *player) drain(ctx context.Context, c *connection) error {
	c.pings++
	id := quote("ping " + strconv.Itoa(c.pings))
	pong, err := parsePattern(`{"id":` + id + `,"result":*}`)
	if err != nil {
		return err
	}
	if err := p.send(c, []part{{text: `{"jsonrpc":"2.0","id":` + id + `,"method":"sys.ping"}`}}); err != nil {
		return err
	}
	waiting, stop := context.WithTimeout(ctx, Wait)
	defer stop()
	for !p.accept(c, pong) {
		if err := c.receive(waiting); err != nil {
			return fmt.Errorf("%s expected a ping's answer\nbut: %w%s", c.name, failure(ctx, err), c.report())
		}
	}
	return c.nothingLeft()
}

func (c *connection) nothingLeft() error {
	if len(c.pending) > 0 {
		return fmt.Errorf("%s expected nothing more%s", c.name, c.report())
	}
	return nil
}

func (p *player) expectClosed(ctx context.Context, c *connection, code int) error {
	waiting, stop := context.WithTimeout(ctx, Wait)
	defer stop()
	for {
		err := c.receive(waiting)
		var closed *CloseError
		switch {
		case err == nil:
		case !errors.As(err, &closed):
			return fmt.Errorf("%s expected to be closed\nbut: %w%s", c.name, failure(ctx, err), c.report())
		case code != 0 && code != closed.Code:
			return fmt.Errorf("%s expected to be closed with %d\nbut: %w", c.name, code, closed)
		default:
			p.forget(c)
			return c.nothingLeft()
		}
	}
}
