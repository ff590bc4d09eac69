package stack_test

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"nexus/localstack/gateway"
	"nexus/localstack/transcript"
)

// Dial implements transcript.Target.
func (p *inProcess) Dial(ctx context.Context, stage string) (transcript.Conn, error) {
	m := &memory{arrived: make(chan struct{}, 1)}
	conn, err := p.gateway.Connect(ctx, strings.TrimPrefix(stage, "/"), gateway.ConnectRequest{SourceIP: "127.0.0.1"}, m)
	return &client{memory: m, conn: conn}, err
}

// memory is the client's side of a connection as the gateway sees it.
type memory struct {
	mu       sync.Mutex
	messages [][]byte
	closed   error
	arrived  chan struct{} // has an element when something changed
}

// Send implements gateway.Transport.
func (m *memory) Send(text []byte) error {
	m.change(func() { m.messages = append(m.messages, text) })
	return nil
}

// Close implements gateway.Transport.
func (m *memory) Close(code int, reason string) {
	m.change(func() { m.closed = &transcript.CloseError{Code: code, Reason: reason} })
}

func (m *memory) change(f func()) {
	m.mu.Lock()
	f()
	m.mu.Unlock()
	select {
	case m.arrived <- struct{}{}:
	default:
	}
}

// next returns the next message, or the end; neither if there is none yet.
func (m *memory) next() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.messages) == 0 {
		return nil, m.closed
	}
	text := m.messages[0]
	m.messages = m.messages[1:]
	return text, nil
}

// client is the same side as the player sees it.
type client struct {
	*memory
	conn *gateway.Conn
}

// Send implements transcript.Conn.
func (c *client) Send(text []byte) error {
	c.conn.Receive(text)
	return nil
}

// Receive implements transcript.Conn.
func (c *client) Receive(ctx context.Context) ([]byte, error) {
	for {
		if text, err := c.next(); text != nil || err != nil {
			return text, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.arrived:
		}
	}
}

// Close implements transcript.Conn.
func (c *client) Close() error { return c.end(1000) }

// Cut implements transcript.Conn.
func (c *client) Cut() error { return c.end(1006) }

func (c *client) end(code int) error {
	c.conn.Closed(code, "")
	c.memory.Close(code, "")
	return nil
}

// testLog writes what a stack logs into the test's log.
func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}
