package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"

	"nexus/pkg/client"

	"github.com/coder/websocket"
)

// stranger is the address that attackers come from, so that what slows them down by their address does not slow down the attacked. Where the machine
// has no such address they come from the same.
const stranger = "127.0.0.2"

// answerWithin is how long an attack waits for an answer before it does without.
const answerWithin = 30 * time.Second

// target is a bus under attack.
type target struct {
	url        string // without a stage
	user, pass string // the administrator's
	pid        int    // of the stack, whose memory is looked at; 0 where it is not known
	part       float64
}

// loopback checks that a URL is a bus on this machine's loopback interface. The dialer checks once more what a name became.
func loopback(raw string) (string, error) {
	u, err := url.Parse(strings.TrimSuffix(raw, "/"))
	if err != nil {
		return "", err
	}
	if u.Scheme != "ws" || u.Path != "" || u.RawQuery != "" || u.User != nil {
		return "", fmt.Errorf("%s: a URL like ws://127.0.0.1:8080 is expected, without a stage", raw)
	}
	if host := u.Hostname(); host != "localhost" {
		if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
			return "", fmt.Errorf("%s: this program attacks nothing but the loopback interface of its own machine", raw)
		}
	}
	return u.String(), nil
}

// onlyLoopback keeps a dialer to the loopback interface, whatever a name or a redirect said.
func onlyLoopback(_, address string, _ syscall.RawConn) error {
	if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().IsLoopback() {
		return fmt.Errorf("%s is not of the loopback interface", address)
	}
	return nil
}

// from returns the way to the bus from an address of this machine. narrow keeps the kernel from reading ahead for whoever does not read.
func from(address string, narrow bool) *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		d := net.Dialer{Control: onlyLoopback}
		if address != "" {
			d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(address)}
		}
		conn, err := d.DialContext(ctx, network, to)
		if errors.Is(err, syscall.EADDRNOTAVAIL) {
			d.LocalAddr = nil
			conn, err = d.DialContext(ctx, network, to)
		}
		if tcp, ok := conn.(*net.TCPConn); ok && narrow && err == nil {
			err = tcp.SetReadBuffer(4 << 10)
		}
		return conn, err
	}}}
}

// of is a part of a number, at least one: an attack in a test is a small one.
func (t *target) of(n int) int { return max(1, int(float64(n)*t.part)) }

// lasting is a part of a time.
func (t *target) lasting(d time.Duration) time.Duration { return time.Duration(float64(d) * t.part) }

// dial opens a session that has not logged in.
func (t *target) dial(ctx context.Context, address string) (*client.Client, error) {
	return client.Dial(ctx, t.url+"/v0", &client.Options{HTTPClient: from(address, false), KeepAlive: -1})
}

// login opens a session of a user.
func (t *target) login(ctx context.Context, address, user, pass string) (*client.Client, error) {
	c, err := t.dial(ctx, address)
	if err != nil {
		return nil, err
	}
	if _, err := c.Login(ctx, user, pass); err != nil {
		return nil, errors.Join(fmt.Errorf("login as %s: %w", user, err), c.Close())
	}
	return c, nil
}

// root opens a session of the administrator.
func (t *target) root(ctx context.Context) (*client.Client, error) {
	return t.login(ctx, "", t.user, t.pass)
}

// tags are a user's, by prefix.
type tags map[string]map[string]any

// made is a user made for an attack.
type made struct{ user, pass string }

// make makes a user. Users stay on the bus, which as a rule is the attack's own.
func (t *target) make(ctx context.Context, root *client.Client, may tags) (made, error) {
	m := made{"attack" + strings.ToLower(rand.Text()[:12]), rand.Text()}
	if err := root.Call(ctx, "user.create", object{"user": m.user, "pass": m.pass}, nil); err != nil {
		return m, fmt.Errorf("user.create: %w", err)
	}
	for prefix, may := range may {
		if err := root.Call(ctx, "user.setTags", object{"user": m.user, "prefix": prefix, "tags": may}, nil); err != nil {
			return m, fmt.Errorf("user.setTags: %w", err)
		}
	}
	return m, nil
}

// as makes a user and opens a session of it, from the strangers' address.
func (t *target) as(ctx context.Context, root *client.Client, may tags) (*client.Client, made, error) {
	m, err := t.make(ctx, root, may)
	if err != nil {
		return nil, m, err
	}
	c, err := t.login(ctx, stranger, m.user, m.pass)
	return c, m, err
}

// object is a JSON object.
type object = map[string]any

// code is the code of an error that the bus answered, 0 for none, 1 for what was no answer.
func code(err error) int {
	var answered *client.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &answered):
		return answered.Code
	}
	return 1
}

// socket is a bare WebSocket, read only when its owner wants to.
type socket struct{ *websocket.Conn }

// open opens a socket from the strangers' address.
func (t *target) open(ctx context.Context) (*socket, error) { return t.openFrom(ctx, stranger) }

func (t *target) openFrom(ctx context.Context, address string) (*socket, error) {
	conn, _, err := websocket.Dial(ctx, t.url+"/v0", &websocket.DialOptions{HTTPClient: from(address, true)})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(-1)
	return &socket{conn}, nil
}

// send sends a message that is no longer than a frame may be; longer ones in frames of 30 KB.
func (s *socket) send(ctx context.Context, message []byte) error {
	const frame = 30 << 10
	if len(message) <= frame {
		return s.Write(ctx, websocket.MessageText, message)
	}
	w, err := s.Writer(ctx, websocket.MessageText)
	if err != nil {
		return err
	}
	for len(message) > 0 {
		n := min(len(message), frame)
		if _, err := w.Write(message[:n]); err != nil {
			return err
		}
		message = message[n:]
	}
	return w.Close()
}

// errThrottled says that API Gateway refused a message: too many came on its route. It names no call, so that a socket must have one at a time.
var errThrottled = errors.New("too many requests")

// insist calls until API Gateway takes it, as a client does who is throttled.
func insist(ctx context.Context, s *socket, method string, params any) (a answer, err error) {
	for {
		if a, err = s.call(ctx, "i", method, params); !errors.Is(err, errThrottled) {
			return a, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// call sends a request and reads until its answer comes, which it returns.
func (s *socket) call(ctx context.Context, id, method string, params any) (answer, error) {
	if err := s.send(ctx, request(id, method, params)); err != nil {
		return answer{}, err
	}
	for {
		_, text, err := s.Read(ctx)
		if err != nil {
			return answer{}, err
		}
		var a answer
		switch err := json.Unmarshal(text, &a); {
		case err != nil: // an id of another type
		case a.ID == id:
			return a, nil
		case a.Message == "Too Many Requests":
			return a, errThrottled
		}
	}
}

// answer is what came for a request.
type answer struct {
	ID     string          `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *client.Error   `json:"error"`
	// Message is API Gateway's own, which is no answer.
	Message string `json:"message"`
}

// request makes a request's text.
func request(id, method string, params any) []byte {
	text, err := json.Marshal(object{"jsonrpc": "2.0", "id": id, "method": method, "params": params})
	if err != nil {
		panic(err) // params are made in this package, of what has a JSON form
	}
	return text
}
