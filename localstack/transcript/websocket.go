package transcript

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// WebSocket is a bus behind a URL: the local stack on its port, or a deployed API.
type WebSocket struct {
	URL        string // without the stage: ws://127.0.0.1:8080, wss://host
	User, Pass string // the administrator's
	// Clock moves the bus's clock, or waits; nil is ErrCannotAdvance.
	Clock func(ctx context.Context, d time.Duration) error
	// Options for the handshake; nil is the default.
	Options *websocket.DialOptions
}

// Advance implements Target.
func (w *WebSocket) Advance(ctx context.Context, d time.Duration) error {
	if w.Clock == nil {
		return ErrCannotAdvance
	}
	return w.Clock(ctx, d)
}

// Sleep is a Clock that waits, for a bus that goes by the world's time.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Root implements Target.
func (w *WebSocket) Root() (user, pass string) { return w.User, w.Pass }

// Dial implements Target.
func (w *WebSocket) Dial(ctx context.Context, stage string) (Conn, error) {
	conn, _, err := websocket.Dial(ctx, w.URL+stage, w.Options)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(maxReceived)
	c := &webSocketConn{conn: conn, arrived: make(chan struct{}, 1)}
	go c.read()
	return c, nil
}

const (
	// maxFrame is what a frame may carry: 32 KB less the longest header, however the gateway counts.
	maxFrame = 32<<10 - 14
	// maxReceived is far over the 128 KB of a message, so that a longer one is shown instead of ending the connection.
	maxReceived = 1 << 20
)

type webSocketConn struct {
	conn *websocket.Conn

	mu       sync.Mutex
	messages [][]byte
	err      error         // why reading ended, once it did
	arrived  chan struct{} // has an element when messages or err changed
}

// read receives for as long as the connection lasts: the library ends a connection whose read is cancelled, and Receive must not.
func (c *webSocketConn) read() {
	for {
		kind, message, err := c.conn.Read(context.Background())
		if err == nil && kind != websocket.MessageText {
			err = errors.New("a binary message came")
		}
		c.mu.Lock()
		if err != nil {
			c.err = err
		} else {
			c.messages = append(c.messages, message)
		}
		c.mu.Unlock()
		select {
		case c.arrived <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

// Send implements Conn.
func (c *webSocketConn) Send(text []byte) error {
	ctx, stop := context.WithTimeout(context.Background(), Wait)
	defer stop()
	if len(text) <= maxFrame {
		return c.conn.Write(ctx, websocket.MessageText, text)
	}
	w, err := c.conn.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for len(text) > 0 {
		n := min(len(text), maxFrame)
		if _, err := w.Write(text[:n]); err != nil { // a frame of its own
			return err
		}
		text = text[n:]
	}
	return w.Close()
}

// Receive implements Conn.
func (c *webSocketConn) Receive(ctx context.Context) ([]byte, error) {
	for {
		c.mu.Lock()
		if len(c.messages) > 0 {
			message := c.messages[0]
			c.messages = c.messages[1:]
			c.mu.Unlock()
			return message, nil
		}
		err := c.err
		c.mu.Unlock()
		if err != nil {
			return nil, ended(err)
		}
		select {
		case <-c.arrived:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ended makes a CloseError of why reading ended.
func ended(err error) error {
	var frame websocket.CloseError
	if errors.As(err, &frame) {
		return &CloseError{Code: int(frame.Code), Reason: frame.Reason}
	}
	return &CloseError{Code: int(websocket.StatusAbnormalClosure), Reason: fmt.Sprintf("(%v)", err)}
}

// Close implements Conn.
func (c *webSocketConn) Close() error { return c.conn.Close(websocket.StatusNormalClosure, "") }

// Cut implements Conn.
func (c *webSocketConn) Cut() error { return c.conn.CloseNow() }
