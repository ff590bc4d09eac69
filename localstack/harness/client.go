package harness

import (
	"sync"

	"nexus/localstack/gateway"
	"nexus/pkg/nexus"
)

// IP is the address that every client has.
const IP = "10.0.0.1"

// Client is one connection and who is at its other end. The session is that of nobody, and live.
type Client struct {
	Connid string

	conn *gateway.Conn

	mu       sync.Mutex
	messages []string
	closed   bool
}

// Connect opens a connection of stage v1 and, as its $connect does, the session.
func (h *Harness) Connect() *Client {
	h.t.Helper()
	c := &Client{}
	conn, err := h.stack.Gateway.Connect(h.t.Context(), nexus.V1, gateway.ConnectRequest{SourceIP: IP}, (*end)(c))
	if err != nil {
		h.t.Fatal(err)
	}
	c.conn, c.Connid = conn, h.Connid(conn.ID())
	return c
}

// Connid is the connid of a connection by its id in API Gateway.
func (h *Harness) Connid(id string) string {
	h.t.Helper()
	connid, err := h.Bus.Sessions.Post.Connid(nexus.V1, id)
	if err != nil {
		h.t.Fatal(err)
	}
	return connid
}

// Got takes the messages that came over the connection since the last Got.
func (c *Client) Got() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	got := c.messages
	c.messages = nil
	return got
}

// Lost takes the connection away from the client's side. The bus hears of it when it posts.
func (c *Client) Lost() { c.conn.Closed(1006, "") }

// End ends the session of a client that is gone, of which somebody learned.
func (h *Harness) End(c *Client) {
	h.t.Helper()
	c.Lost()
	h.Try(h.Bus.Sessions.End(h.t.Context(), c.Connid, true))
}

// PostTo names the posts to a client.
func (h *Harness) PostTo(c *Client) Kind {
	return h.On("PostToConnection", c.conn.ID()+" ")
}

// Closed tells whether the bus has closed the connection.
func (c *Client) Closed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// end is a client as the gateway sees it.
type end Client

// Send implements gateway.Transport.
func (e *end) Send(text []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.messages = append(e.messages, string(text))
	return nil
}

// Close implements gateway.Transport.
func (e *end) Close(int, string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
}
