package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/coder/websocket"
)

// ServeHTTP serves WebSocket clients on /<stage>, and on / if there is a Config.DefaultStage. The @connections API is not here: see RoundTrip and Management.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	stage, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if r.URL.Path == "" || r.URL.Path == "/" {
		stage = g.config.DefaultStage
	}
	switch {
	case rest != "" || !slices.Contains(g.config.Stages, stage):
		refuseUpgrade(w, &ConnectError{Status: http.StatusForbidden})
	case !isUpgrade(r):
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		refuseUpgrade(w, &ConnectError{Status: http.StatusUpgradeRequired})
	default:
		g.serveSocket(w, r, stage)
	}
}

// isUpgrade reports whether r asks for a WebSocket, before $connect runs for it. The library checks the details.
func isUpgrade(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) &&
		hasToken(r.Header, "Connection", "upgrade") && hasToken(r.Header, "Upgrade", "websocket") &&
		r.Header.Get("Sec-WebSocket-Version") == "13" && r.Header.Get("Sec-WebSocket-Key") != ""
}

func hasToken(h http.Header, name, token string) bool {
	for _, line := range h.Values(name) {
		for t := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// refuseUpgrade answers an upgrade request in API Gateway's form.
func refuseUpgrade(w http.ResponseWriter, e *ConnectError) {
	message := http.StatusText(e.Status)
	if e.Status >= http.StatusInternalServerError {
		message = messageInternal
	}
	body := []byte(`{"message":` + string(quote(message)) + `}`)
	if e.ConnectionID != "" {
		body = errorMessage(message, e.ConnectionID, e.RequestID)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Status)
	_, _ = w.Write(body) // the client is gone if this fails
}

// serveSocket is one client, from its upgrade request to the end of its socket.
func (g *Gateway) serveSocket(w http.ResponseWriter, r *http.Request, stage string) {
	if !g.begin() {
		refuseUpgrade(w, &ConnectError{Status: http.StatusServiceUnavailable})
		return
	}
	defer g.done()
	s := &socket{g: g, wake: make(chan struct{}, 1)}
	c, err := g.Connect(r.Context(), stage, connectRequest(r), s)
	if err != nil {
		refused := &ConnectError{Status: http.StatusInternalServerError}
		errors.As(err, &refused)
		refuseUpgrade(w, refused)
		return
	}
	h := &hijacker{ResponseWriter: w, limit: g.config.FrameLimit}
	options := &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled} // API Gateway checks no origin
	if c.Subprotocol() != "" {
		// As the function gave it, be it among those that were offered or not.
		w.Header().Set("Sec-WebSocket-Protocol", c.Subprotocol())
	}
	ws, err := websocket.Accept(h, r, options)
	if err != nil { // Accept has answered
		c.Closed(closeAbnormal, "")
		return
	}
	ws.SetReadLimit(-1) // read bounds messages itself
	s.start(ws, h.conn)
	defer s.release()
	defer context.AfterFunc(g.ctx, s.cut)()

	written := make(chan struct{})
	go func() {
		defer close(written)
		s.write()
	}()
	s.read(c)
	s.hangUp()
	<-written
}

func connectRequest(r *http.Request) ConnectRequest {
	q := ConnectRequest{Header: r.Header, Query: r.URL.Query(), Proto: "http", Port: "80"}
	if r.TLS != nil {
		q.Proto, q.Port = "https", "443"
	}
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		q.Port = port
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		q.SourceIP = host
	}
	return q
}

// read receives messages until the socket or the connection ends. It tells c how, unless c has ended the connection itself.
func (s *socket) read(c *Conn) {
	message := make([]byte, 0, 512)
	for {
		kind, r, err := s.ws.Reader(context.Background())
		if err == nil && kind != websocket.MessageText {
			c.end(closeUnsupported, "Binary frames are not supported", true)
			return
		}
		if err == nil {
			message, err = appendAll(message[:0], r, s.g.config.MessageLimit+1)
		}
		var closed websocket.CloseError
		switch {
		case err == nil:
			c.Receive(message) // also ends what is over the limit; then this goes on until the close frame is answered
		case errors.As(err, &closed) && closed.Code == websocket.StatusNoStatusRcvd:
			c.Closed(closeNoStatus, reasonNoStatus)
			return
		case errors.As(err, &closed):
			c.Closed(int(closed.Code), closed.Reason)
			return
		case errors.Is(err, errFrameTooBig):
			c.end(closeTooBig, "Frame too big", true)
			return
		case s.conn.lost.Load(), errors.Is(err, net.ErrClosed), errors.Is(err, context.DeadlineExceeded): // the last one: a pong could not be written
			c.Closed(closeAbnormal, "")
			return
		default: // the library did not like what it read
			c.end(closeProtocolError, "Protocol error", true)
			return
		}
		if cap(message) > maxKeptBuffer {
			message = make([]byte, 0, 512)
		}
	}
}

// maxKeptBuffer bounds what an idle connection keeps of the space that a message took.
const maxKeptBuffer = 16 << 10

// appendAll appends what r has left to b, up to a length of limit.
func appendAll(b []byte, r io.Reader, limit int) ([]byte, error) {
	for len(b) < limit {
		if len(b) == cap(b) {
			b = slices.Grow(b, 1)
		}
		n, err := r.Read(b[len(b):min(cap(b), limit)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
	return b, nil
}
