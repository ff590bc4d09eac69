package gateway

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// Close codes (RFC 6455, section 7.4.1) that the gateway gives.
const (
	closeNormal        = 1000
	closeGoingAway     = 1001
	closeProtocolError = 1002
	closeUnsupported   = 1003
	closeNoStatus      = 1005 // the client's close frame had no code; never sent
	closeAbnormal      = 1006 // there was no close frame; never sent
	closeInvalidText   = 1007
	closeTooBig        = 1009
)

// Reasons that have been seen in DISCONNECT events of AWS.
const (
	reasonGoingAway = "Going away"
	reasonNoStatus  = "Client-side close frame status not set"
)

// ErrBufferFull is the error of a Transport whose client does not read: @connections answers 429.
var ErrBufferFull = errors.New("gateway: the client's buffer is full")

// Transport is a client's side of one connection. Its methods are called concurrently and do not wait for the client.
type Transport interface {
	// Send sends a text message and may keep text. ErrBufferFull means that the client does not read, any other error that it is gone.
	Send(text []byte) error
	// Close sends what Send took and then a close frame. It is called at most once, and not when the client's side has closed.
	Close(code int, reason string)
}

// Conn is a connection from the 2xx of $connect to its end.
type Conn struct {
	g           *Gateway
	id          string
	stage       string
	transport   Transport
	connectedAt time.Time
	identity    identity
	subprotocol string
	seq         uint64       // order among the gateway's connections
	lastActive  atomic.Int64 // microseconds since 1970

	mu      sync.Mutex
	ended   bool
	stop    func() bool            // the timer of watch
	delayed map[uint64]func() bool // stops messages that Config.Delay puts off
	delays  uint64                 // numbers them
}

// ID is the connection's id.
func (c *Conn) ID() string { return c.id }

// Subprotocol is what $connect answered in Sec-WebSocket-Protocol.
func (c *Conn) Subprotocol() string { return c.subprotocol }

// Receive takes a whole text message of the client and invokes its route in a goroutine of its own. A message that is too big or no UTF-8
// closes the connection; after its end messages are dropped. Receive does not keep message.
func (c *Conn) Receive(message []byte) {
	if c.isEnded() {
		return
	}
	if len(message) > c.g.config.MessageLimit {
		c.end(closeTooBig, "Message too big", true)
		return
	}
	if !utf8.Valid(message) {
		c.end(closeInvalidText, "Invalid UTF-8", true)
		return
	}
	c.touch()
	requestID := c.g.config.NewID()
	r := c.g.route(message)
	if r == nil {
		c.send(errorMessage("Forbidden", c.id, requestID))
		return
	}
	if !c.g.passes(c.stage, r.key) {
		c.send(errorMessage(messageThrottled, c.id, requestID))
		return
	}
	payload := c.messageEvent(requestID, r.key, message)
	if !c.g.begin() {
		return
	}
	c.g.handling(1)
	go func() {
		defer c.g.done()
		defer c.g.handling(-1)
		result, err := c.g.invoke(context.Background(), r.Function, payload)
		switch {
		case err != nil:
			c.send(errorMessage(messageInternal, c.id, requestID))
		case r.TwoWay:
			c.send([]byte(result.Body))
		}
	}()
}

// Closed tells that the client has closed the connection, with the code and reason of its close frame (1005 if that had none), or that it was
// lost (1006). It runs $disconnect in a goroutine, once.
func (c *Conn) Closed(code int, reason string) { c.end(code, reason, false) }

// end ends the connection, once: it makes it unreachable, tells the client if that is still there, and starts $disconnect.
func (c *Conn) end(code int, reason string, tell bool) {
	c.mu.Lock()
	if c.ended {
		c.mu.Unlock()
		return
	}
	c.ended = true
	stop := c.stop
	for _, stop := range c.delayed {
		stop()
	}
	c.delayed = nil
	c.mu.Unlock()

	if stop != nil {
		stop()
	}
	c.g.remove(c)
	if tell {
		c.transport.Close(code, reason)
	}
	disconnect := c.g.routes[routeDisconnect]
	if disconnect == nil || !c.g.begin() {
		return
	}
	payload := c.disconnectEvent(c.g.config.NewID(), code, reason)
	go func() {
		defer c.g.done()
		_, _ = c.g.invoke(context.Background(), disconnect.Function, payload) // there is nobody to tell of an error
	}()
}

func (c *Conn) isEnded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// touch notes a message in either direction.
func (c *Conn) touch() { c.lastActive.Store(c.g.config.Clock.Now().UnixMicro()) }

// lastActiveAt is when the latest message went in either direction.
func (c *Conn) lastActiveAt() time.Time { return time.UnixMicro(c.lastActive.Load()) }

// watch closes a connection that is idle or at the end of its life, and otherwise looks again when it may be. Thus no message has to move a timer.
func (c *Conn) watch() {
	due := c.lastActiveAt().Add(c.g.config.IdleTimeout)
	if end := c.connectedAt.Add(c.g.config.Lifetime); end.Before(due) {
		due = end
	}
	left := due.Sub(c.g.config.Clock.Now())
	if left <= 0 {
		c.end(closeGoingAway, reasonGoingAway, true)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.stop = c.g.config.Clock.AfterFunc(left, c.watch)
	}
}

// errGone is what send says of a connection that has ended.
var errGone = errors.New("gateway: the connection is gone")

// send sends a message to the client, now or when Config.Delay says.
func (c *Conn) send(text []byte) error {
	if c.g.config.Delay != nil {
		if d := c.g.config.Delay(c.id); d > 0 {
			return c.sendLater(d, text)
		}
	}
	return c.sendNow(text)
}

func (c *Conn) sendNow(text []byte) error {
	if c.isEnded() {
		return errGone
	}
	if err := c.transport.Send(text); err != nil {
		return err
	}
	c.touch()
	return nil
}

func (c *Conn) sendLater(d time.Duration, text []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return errGone
	}
	c.delays++
	n := c.delays
	if c.delayed == nil {
		c.delayed = map[uint64]func() bool{}
	}
	c.delayed[n] = c.g.config.Clock.AfterFunc(d, func() {
		c.mu.Lock()
		delete(c.delayed, n)
		c.mu.Unlock()
		_ = c.sendNow(text) // the post was answered: what fails now is lost
	})
	return nil
}
