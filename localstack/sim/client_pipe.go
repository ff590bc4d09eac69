package sim

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// pipe is a pipe as clients know it.
type pipe struct {
	id      string
	owner   *client
	length  int
	closing *call // pipe.close of it, once it was sent
	drained *call // the last read, when the run looks what is left
}

// read is what a pipe.read asks for.
type read struct {
	max     int
	timeout time.Duration // 0: none
}

// delivered is what pipe.read answers.
type delivered struct {
	Waiting, Drops int64
	Msgs           []struct {
		Count int64
		Msg   content
	}
}

// content is a message: its number among all of the run, or of a topic, whose message is that.
type content struct {
	N     int
	Topic string
	Msg   struct{ N int }
}

// number is the message's, wherever it came from.
func (m content) number() int {
	if m.Topic != "" {
		return m.Msg.N
	}
	return m.N
}

// actPipe does a client's next thing with pipes: whoever owns some reads them, all write to any.
func (c *client) actPipe() {
	w := c.w
	mine := c.openPipes()
	switch n := w.rng.IntN(40); {
	case len(mine) == 0 && c.role.reads > 0 && !c.creating:
		c.doCreate()
	case n == 0 && len(mine) > 0:
		c.doClosePipe(mine[w.rng.IntN(len(mine))])
	case n == 1 && c.role.reads > 0 && !c.creating:
		c.doCreate()
	case n < 2+c.role.reads && len(mine) > 0:
		if c.reads < c.role.atOnce {
			c.doRead(mine[w.rng.IntN(len(mine))])
		}
	default:
		if c.writes < c.role.atOnce {
			c.doWrite()
		}
	}
}

// openPipes are the pipes that a client has created and not closed.
func (c *client) openPipes() []*pipe {
	return slices.DeleteFunc(slices.Clone(c.w.pipes), func(p *pipe) bool { return p.owner != c || p.closing != nil })
}

func (c *client) doCreate() {
	length := []int{1, 2, 5, 1000}[c.w.rng.IntN(4)]
	c.creating = true
	c.sendWith("pipe.create", map[string]any{"len": length}, func(k *call) { k.length = length })
}

func (c *client) doClosePipe(p *pipe) {
	c.sendWith("pipe.close", map[string]any{"pipeid": p.id}, func(k *call) { k.pipe, p.closing = p, k })
}

func (c *client) doRead(p *pipe) {
	r := &read{max: 1 + c.w.rng.IntN(3)}
	if c.w.rng.IntN(3) == 0 {
		r.max = 100_000
	}
	switch c.w.rng.IntN(4) {
	case 0:
		r.timeout = time.Duration(20+c.w.rng.IntN(2000)) * time.Millisecond
	case 1:
		r.timeout = time.Duration(2+c.w.rng.IntN(70)) * time.Second
	}
	c.read(p, r)
}

func (c *client) read(p *pipe, r *read) *call {
	c.reads++
	return c.sendWith("pipe.read", map[string]any{"pipeid": p.id, "max": r.max, "timeout": r.timeout.Seconds()}, func(k *call) { k.pipe, k.read = p, r })
}

// drain reads what is left in a pipe; its last read finds nothing.
func (c *client) drain(p *pipe) {
	p.drained = c.read(p, &read{max: 100_000, timeout: time.Second})
}

// newMessage makes a message of the run: mostly short, some too long for meta, few too long for a stream's table.
func (w *world) newMessage() (int, map[string]any) {
	w.messages++
	m := map[string]any{"n": w.messages}
	switch w.rng.IntN(12) {
	case 0:
		m["pad"] = strings.Repeat("z", large)
	case 1:
		m["pad"] = strings.Repeat("z", 600)
	}
	return w.messages, m
}

func (c *client) doWrite() {
	w := c.w
	if len(w.pipes) == 0 {
		return
	}
	recent := w.pipes[max(0, len(w.pipes)-4):]
	p := recent[w.rng.IntN(len(recent))]
	n := 1
	if w.rng.IntN(4) == 0 {
		n = 1 + w.rng.IntN(3)
	}
	var numbers []int
	var messages []map[string]any
	for range n {
		number, m := w.newMessage()
		numbers, messages = append(numbers, number), append(messages, m)
	}
	params := map[string]any{"pipeid": p.id, "msg": messages[0]}
	if n > 1 {
		params["msg"], params["multi"] = messages, true
	}
	complete := func(k *call) { k.pipe, k.messages = p, numbers }
	if w.rng.IntN(20) == 0 {
		c.notify("pipe.write", params, complete)
		return
	}
	c.writes++
	c.sendWith("pipe.write", params, complete)
}

// pipeAnswered is what a client does about an answer about pipes.
func (c *client) pipeAnswered(k *call, a *answer) {
	switch k.method {
	case "pipe.create":
		c.creating = false
		var made struct{ Pipeid string }
		known := func(p *pipe) bool { return p.id == made.Pipeid } // an answer may come twice
		if a.Error == nil && json.Unmarshal(a.Result, &made) == nil && made.Pipeid != "" && !slices.ContainsFunc(c.w.pipes, known) {
			c.w.pipes = append(c.w.pipes, &pipe{id: made.Pipeid, owner: c, length: k.length})
		}
	case "pipe.write":
		c.writes--
	case "pipe.read":
		c.reads--
		if k == k.pipe.drained {
			if !bytes.Contains(a.Result, []byte(`"msgs":[]`)) && c.open {
				again := time.Millisecond
				if a.Error != nil { // as many reads wait as may
					again = time.Second
				}
				c.w.soon(again, func() { c.drain(k.pipe) })
			}
			return
		}
		if c.w.rng.IntN(4) > 0 {
			c.w.soon(time.Duration(1+c.w.rng.Int64N(int64(5*time.Millisecond))), func() {
				if !c.w.closing && c.open && !c.deaf && k.pipe.closing == nil {
					c.doRead(k.pipe)
				}
			})
		}
	}
}
