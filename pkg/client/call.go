package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Call calls a method and decodes its result into result, a pointer, unless that is nil. params may be anything that encodes to JSON; a
// json.RawMessage goes out byte for byte, and nil is no params. It returns an *Error if the bus answers with one, a *ClosedError if the connection
// has ended, ErrTooLong, ctx's error.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	id, answers := c.register()
	if err := c.request(ctx, id, method, params); err != nil {
		c.forget(id, nil)
		return err
	}
	select {
	case a := <-answers:
		return a.decode(result)
	case <-ctx.Done():
		c.forget(id, nil)
		return ctx.Err()
	case <-c.done:
		return c.after(answers, result)
	}
}

// Notify calls a method without asking for an answer.
func (c *Client) Notify(ctx context.Context, method string, params any) error {
	return c.request(ctx, 0, method, params)
}

// register opens a call. Ids count from 1.
func (c *Client) register() (id uint64, answers <-chan answer) {
	ch := make(chan answer, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	c.open[c.last] = ch
	return c.last, ch
}

// forget gives a call up. late, unless nil, is still run with its answer, by the goroutine that reads; it is not run if the answer came already.
func (c *Client) forget(id uint64, late func(answer)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, open := c.open[id]; open && late != nil {
		c.late[id] = late
	}
	delete(c.open, id)
}

// request hands a message over to be sent. Id 0 is none.
func (c *Client) request(ctx context.Context, id uint64, method string, params any) error {
	message := append(make([]byte, 0, 256), `{"jsonrpc":"2.0",`...)
	if id != 0 {
		message = append(strconv.AppendUint(append(message, `"id":`...), id, 10), ',')
	}
	message, err := appendJSON(append(message, `"method":`...), method)
	if err != nil {
		return err
	}
	if params != nil {
		if message, err = appendJSON(append(message, `,"params":`...), params); err != nil {
			return err
		}
	}
	message = append(message, '}')
	if len(message) > maxMessage {
		return fmt.Errorf("%w: %s with %d bytes", ErrTooLong, method, len(message))
	}
	select {
	case c.out <- message:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.done:
		return c.Err()
	}
}

// appendJSON appends v as JSON: a json.RawMessage as it is (nil is null), and <, > and & in strings as they are.
func appendJSON(b []byte, v any) ([]byte, error) {
	if raw, ok := v.(json.RawMessage); ok && raw != nil {
		if !json.Valid(raw) {
			return nil, fmt.Errorf("json.RawMessage that is no JSON: %.100q", raw)
		}
		return append(b, raw...), nil
	}
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte{'\n'}), nil
}

func (a answer) decode(result any) error {
	if a.Error != nil {
		return a.Error
	}
	if result == nil || len(a.Result) == 0 {
		return nil
	}
	return json.Unmarshal(a.Result, result)
}

// after is for a call whose connection ended: its answer may have come before.
func (c *Client) after(answers <-chan answer, result any) error {
	select {
	case a := <-answers:
		return a.decode(result)
	default:
		return c.Err()
	}
}

// How a call that the bus answers later is cancelled there.
const (
	cancelFor   = 5 * time.Second // then it is given up
	firstPause  = 50 * time.Millisecond
	cancelPause = time.Second
)

// callLater is Call for what may wait on the bus: if ctx ends first it is cancelled there, by task.cancel with its id, and ctx's error is
// returned. A call that ended otherwise before returns what it ended with. What cannot be cancelled in 5 s is given up; late is then run with
// its answer, should one come.
func (c *Client) callLater(ctx context.Context, method string, params, result any, late func(answer)) error {
	id, answers := c.register()
	if err := c.request(ctx, id, method, params); err != nil {
		c.forget(id, nil)
		return err
	}
	select {
	case a := <-answers:
		return a.decode(result)
	case <-c.done:
		return c.after(answers, result)
	case <-ctx.Done():
	}
	giveUp, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelFor)
	defer stop()
	// The bus carries requests of one connection out in any order, so that a cancel may come before what it cancels: it is repeated.
	for pause := firstPause; ; pause = min(2*pause, cancelPause) {
		// Its answer does not matter: what counts is how the call itself ends.
		if err := c.Notify(giveUp, "task.cancel", cancelByID(id)); err == nil {
			select {
			case a := <-answers:
				if a.Error != nil && a.Error.Code == CodeCancel {
					return ctx.Err()
				}
				return a.decode(result)
			case <-c.done:
				return c.after(answers, result)
			case <-time.After(pause):
				continue
			case <-giveUp.Done():
			}
		}
		c.forget(id, late)
		select {
		case a := <-answers: // it came just now
			return a.decode(result)
		default:
			return ctx.Err()
		}
	}
}

func cancelByID(id uint64) json.RawMessage {
	return append(strconv.AppendUint([]byte(`{"id":`), id, 10), '}')
}
