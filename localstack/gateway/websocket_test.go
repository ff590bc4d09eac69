package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	management "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/coder/websocket"

	"nexus/localstack/clock"
	"nexus/localstack/gateway"
)

// served is an API on a loopback port.
type served struct {
	*functions
	*gateway.Gateway
	host         string
	callback     string       // URL of @connections, without a stage
	disconnected chan request // every DISCONNECT
}

func serve(t *testing.T, h handlers, change func(*gateway.Config)) *served {
	t.Helper()
	f, config := newAPI(h)
	s := &served{functions: f, disconnected: make(chan request, 10)}
	f.handlers["$disconnect"] = func(ctx context.Context, r request) (any, error) {
		if r.RequestContext.EventType == "DISCONNECT" {
			s.disconnected <- r
		}
		return ok(ctx, r)
	}
	if change != nil {
		change(&config)
	}
	s.Gateway = gateway.New(config)
	server := httptest.NewServer(s.Gateway)
	s.host = strings.TrimPrefix(server.URL, "http://")
	management := httptest.NewServer(s.Management())
	s.callback = management.URL
	t.Cleanup(func() {
		if err := s.Gateway.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
		management.Close()
	})
	return s
}

func (s *served) dial(t *testing.T, path string, options *websocket.DialOptions) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), "ws://"+s.host+path, options)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	t.Cleanup(func() { ws.CloseNow() })
	return ws
}

// management is an SDK client over HTTP.
func (s *served) management(stage string) *management.Client {
	return sdk(s.callback+"/"+stage, http.DefaultClient)
}

// id is the id of the latest connection.
func (s *served) id(t *testing.T) string {
	t.Helper()
	_, r := s.event(t, "CONNECT")
	return r.RequestContext.ConnectionID
}

func read(t *testing.T, ws *websocket.Conn) string {
	t.Helper()
	kind, text, err := ws.Read(t.Context())
	if err != nil || kind != websocket.MessageText {
		t.Fatal(kind, err)
	}
	return string(text)
}

func write(t *testing.T, ws *websocket.Conn, text string) {
	t.Helper()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// wantClose reads up to the gateway's close frame, and checks that $disconnect was told the same.
func (s *served) wantClose(t *testing.T, ws *websocket.Conn, code int, reason string) {
	t.Helper()
	_, _, err := ws.Read(t.Context())
	var closed websocket.CloseError
	if !errors.As(err, &closed) || int(closed.Code) != code || closed.Reason != reason {
		t.Errorf("want close %d %q, got %v", code, reason, err)
	}
	s.wantDisconnect(t, code, reason)
}

func (s *served) wantDisconnect(t *testing.T, code int, reason string) {
	t.Helper()
	r := <-s.disconnected
	if rc := r.RequestContext; int(rc.DisconnectStatusCode) != code || *rc.DisconnectReason != reason {
		t.Errorf("want $disconnect with %d %q, got %d %q", code, reason, rc.DisconnectStatusCode, *rc.DisconnectReason)
	}
}

func TestSocketEcho(t *testing.T) {
	s := serve(t, handlers{"ask": echo}, nil)
	for _, path := range []string{"/v0", "/v1/", "/v0?a=b"} {
		ws := s.dial(t, path, nil)
		write(t, ws, `{"method":"ask"}`)
		wantEqual(t, "answer", read(t, ws), `{"method":"ask"}`)
		_, r := s.event(t, "CONNECT")
		wantEqual(t, "stage", "/"+r.RequestContext.Stage, path[:3])
		wantEqual(t, "source", r.RequestContext.Identity.SourceIP, "127.0.0.1")
		wantEqual(t, "user agent", r.RequestContext.Identity.UserAgent, "Go-http-client/1.1")
		wantEqual(t, "protocol", r.Headers["X-Forwarded-Proto"], "http")
		wantEqual(t, "version", r.Headers["Sec-Websocket-Version"], "13")
		if err := ws.Close(websocket.StatusNormalClosure, "done"); err != nil {
			t.Fatal(err)
		}
		s.wantDisconnect(t, 1000, "done")
	}
	_, r := s.event(t, "CONNECT")
	wantEqual(t, "query", r.QueryStringParameters["a"], "b")
}

func TestHowClientsLeave(t *testing.T) {
	s := serve(t, handlers{}, nil)
	ws := s.dial(t, "/v0", nil)
	if err := ws.Close(websocket.StatusNoStatusRcvd, ""); err != nil {
		t.Fatal(err)
	}
	s.wantDisconnect(t, 1005, "Client-side close frame status not set")
	ws = s.dial(t, "/v0", nil)
	if err := ws.CloseNow(); err != nil {
		t.Fatal(err)
	}
	s.wantDisconnect(t, 1006, "")
	wantEqual(t, "connections", s.Connections(), 0)
}

func TestRefusedUpgrades(t *testing.T) {
	s := serve(t, handlers{"$connect": func(ctx context.Context, r request) (any, error) {
		if r.QueryStringParameters["fail"] != "" {
			return fail(ctx, r)
		}
		return events.APIGatewayProxyResponse{StatusCode: 403, Body: "not shown"}, nil
	}}, nil)
	for _, test := range []struct {
		path, body string
		status     int
	}{
		{"/v0", `{"message": "Forbidden", "connectionId":"id-0001/+%=", "requestId":"id-0002/+%="}`, 403},
		{"/v0?fail=1", `{"message": "Internal server error", "connectionId":"id-0003/+%=", "requestId":"id-0004/+%="}`, 502},
		{"/v2", `{"message":"Forbidden"}`, 403},
		{"/v0/more", `{"message":"Forbidden"}`, 403},
		{"/", `{"message":"Forbidden"}`, 403},
	} {
		_, resp, err := websocket.Dial(t.Context(), "ws://"+s.host+test.path, nil)
		if err == nil {
			t.Fatal("connected")
		}
		body, _ := io.ReadAll(resp.Body)
		wantEqual(t, test.path, string(body), test.body)
		wantEqual(t, test.path, resp.StatusCode, test.status)
	}
	resp, err := http.Get("http://" + s.host + "/v0")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	wantEqual(t, "no upgrade", resp.StatusCode, 426)
	wantEqual(t, "connections", s.Connections(), 0)
}

func TestSubprotocol(t *testing.T) {
	s := serve(t, handlers{"$connect": func(context.Context, request) (any, error) {
		return events.APIGatewayProxyResponse{StatusCode: 200, Headers: map[string]string{"sec-websocket-protocol": "two"}}, nil
	}}, nil)
	ws := s.dial(t, "/v0", &websocket.DialOptions{Subprotocols: []string{"one", "two"}})
	wantEqual(t, "subprotocol", ws.Subprotocol(), "two")
	// One that was not offered is passed on too, and clients give up.
	_, resp, err := websocket.Dial(t.Context(), "ws://"+s.host+"/v0", &websocket.DialOptions{Subprotocols: []string{"one"}})
	if err == nil || resp.Header.Get("Sec-WebSocket-Protocol") != "two" {
		t.Error(resp, err)
	}
}

func TestManagementOverHTTP(t *testing.T) {
	s := serve(t, handlers{}, nil)
	ws := s.dial(t, "/v0", nil)
	id, m := s.id(t), s.management("v0")
	if err := post(t, m, id, "hello"); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "message", read(t, ws), "hello")
	wantException[*types.PayloadTooLargeException](t, "too big", post(t, m, id, strings.Repeat("x", 128<<10+1)))
	wantException[*types.GoneException](t, "another stage", post(t, s.management("v1"), id, "x"))
	wantException[*types.ForbiddenException](t, "an unknown stage", post(t, s.management("v2"), id, "x"))
	out, err := m.GetConnection(t.Context(), &management.GetConnectionInput{ConnectionId: &id})
	if err != nil || aws.ToString(out.Identity.SourceIp) != "127.0.0.1" {
		t.Error(out, err)
	}
	if _, err := m.DeleteConnection(t.Context(), &management.DeleteConnectionInput{ConnectionId: &id}); err != nil {
		t.Fatal(err)
	}
	s.wantClose(t, ws, 1000, "")
	wantException[*types.GoneException](t, "deleted", post(t, m, id, "x"))
}

// What was posted before a connection is closed arrives before the close.
func TestPostThenDelete(t *testing.T) {
	s := serve(t, handlers{}, nil)
	ws := s.dial(t, "/v0", nil)
	id, m := s.id(t), inProcess(s.Gateway, "v0")
	for range 100 {
		if err := post(t, m, id, "x"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.DeleteConnection(t.Context(), &management.DeleteConnectionInput{ConnectionId: &id}); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		wantEqual(t, "message", read(t, ws), "x")
	}
	s.wantClose(t, ws, 1000, "")
}

func TestRefusedFrames(t *testing.T) {
	s := serve(t, handlers{"ask": echo}, nil)
	for _, test := range []struct {
		name   string
		send   func(*websocket.Conn) error
		code   int
		reason string
	}{
		{"binary", func(ws *websocket.Conn) error { return ws.Write(t.Context(), websocket.MessageBinary, []byte(`{}`)) }, 1003, "Binary frames are not supported"},
		{"not UTF-8", func(ws *websocket.Conn) error { return ws.Write(t.Context(), websocket.MessageText, []byte{0xff}) }, 1007, "Invalid UTF-8"},
		{"a frame too big", func(ws *websocket.Conn) error {
			return ws.Write(t.Context(), websocket.MessageText, make([]byte, 32<<10+1))
		}, 1009, "Frame too big"},
		{"a frame far too big", func(ws *websocket.Conn) error {
			return ws.Write(t.Context(), websocket.MessageText, make([]byte, 1<<20))
		}, 1009, "Frame too big"},
		{"a message too big", func(ws *websocket.Conn) error { return fragments(t, ws, bytes.Repeat([]byte{'x'}, 128<<10+1)) }, 1009, "Message too big"},
	} {
		t.Run(test.name, func(t *testing.T) {
			ws := s.dial(t, "/v0", nil)
			write(t, ws, `{"method":"ask"}`) // what comes before is answered
			wantEqual(t, "answer", read(t, ws), `{"method":"ask"}`)
			if err := test.send(ws); err != nil {
				t.Fatal(err)
			}
			s.wantClose(t, ws, test.code, test.reason)
		})
	}
}

// fragments sends a message in frames of 32 KB.
func fragments(t *testing.T, ws *websocket.Conn, text []byte) error {
	w, err := ws.Writer(t.Context(), websocket.MessageText)
	if err != nil {
		return err
	}
	for len(text) > 0 {
		n := min(len(text), 32<<10)
		if _, err := w.Write(text[:n]); err != nil {
			return err
		}
		text = text[n:]
	}
	return w.Close()
}

func TestBigMessages(t *testing.T) {
	s := serve(t, handlers{"ask": echo}, nil)
	ws := s.dial(t, "/v0", nil)
	frame := `{"method":"ask","x":"` + strings.Repeat("é", 16000) // one frame of 32 KB
	frame += strings.Repeat("y", 32<<10-len(frame)-2) + `"}`
	write(t, ws, frame)
	wantEqual(t, "answer", read(t, ws), frame)
	message := `{"method":"ask","x":"` + strings.Repeat("z", 128<<10-23) + `"}` // a message of 128 KB
	wantEqual(t, "length", len(message), 128<<10)
	if err := fragments(t, ws, []byte(message)); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "answer", read(t, ws), message)
}

// rawClient opens a WebSocket without a library, so that frames can be seen.
func rawClient(t *testing.T, s *served) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", s.host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, "GET /v0 HTTP/1.1\r\nHost: "+s.host+"\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(resp, err)
	}
	return conn, r
}

// readFrame reads an unmasked frame.
func readFrame(t *testing.T, r io.Reader) (first byte, payload []byte) {
	t.Helper()
	var h [2]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		t.Fatal(err)
	}
	n := int(h[1])
	if n == 126 {
		var long [2]byte
		if _, err := io.ReadFull(r, long[:]); err != nil {
			t.Fatal(err)
		}
		n = int(binary.BigEndian.Uint16(long[:]))
	}
	payload = make([]byte, n)
	if _, err := io.ReadFull(r, payload); err != nil {
		t.Fatal(err)
	}
	return h[0], payload
}

// A message over 32 KB goes to the client in frames of 32 KB.
func TestOutgoingFrames(t *testing.T) {
	s := serve(t, handlers{}, nil)
	_, r := rawClient(t, s)
	if err := post(t, inProcess(s.Gateway, "v0"), s.id(t), strings.Repeat("x", 70000)); err != nil {
		t.Fatal(err)
	}
	var frames []int
	for {
		first, payload := readFrame(t, r)
		frames = append(frames, int(first), len(payload))
		if first&0x80 != 0 {
			break
		}
	}
	wantEqual(t, "first bytes and sizes", frames, []int{0x01, 32768, 0x00, 32768, 0x00, 4464, 0x80, 0})
}

// Messages count that came in one piece of the stream with a frame that is too big, and before it. A client that then does nothing is cut off.
func TestFrameTooBigBehindAMessage(t *testing.T) {
	manual := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	told := make(chan string, 1)
	s := serve(t, handlers{"tell": func(ctx context.Context, r request) (any, error) {
		told <- r.Body
		return ok(ctx, r)
	}}, func(c *gateway.Config) { c.Clock = manual })
	conn, r := rawClient(t, s)
	b := []byte{0x81, 0x80 | 17, 0, 0, 0, 0}
	b = append(b, `{"method":"tell"}`...)
	b = append(b, 0x89, 0x80, 0, 0, 0, 0) // a ping
	b = append(b, 0x81, 0x80|127, 0, 0, 0, 0, 0, 1, 0, 0, 9, 9, 9, 9)
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "message", <-told, `{"method":"tell"}`)
	first, payload := readFrame(t, r)
	wantEqual(t, "pong", first, 0x8a)
	wantEqual(t, "payload", string(payload), "")
	first, payload = readFrame(t, r)
	wantEqual(t, "close", first, 0x88)
	wantEqual(t, "payload", string(payload), "\x03\xf1Frame too big")
	s.wantDisconnect(t, 1009, "Frame too big")
	manual.Advance(10 * time.Second)
	if _, err := r.ReadByte(); err == nil {
		t.Error("the client was not cut off")
	}
}

func TestProtocolErrors(t *testing.T) {
	for name, bytes := range map[string][]byte{
		"unmasked":          {0x81, 2, '{', '}'},
		"reserved bit":      {0xc1, 0x80, 0, 0, 0, 0},
		"reserved opcode":   {0x83, 0x80, 0, 0, 0, 0},
		"lone continuation": {0x80, 0x80, 0, 0, 0, 0},
		"long ping":         {0x89, 0x80 | 126, 1, 0, 0, 0, 0, 0},
		"length over 2^63":  {0x81, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, handlers{}, nil)
			conn, r := rawClient(t, s)
			if _, err := conn.Write(bytes); err != nil {
				t.Fatal(err)
			}
			first, payload := readFrame(t, r)
			wantEqual(t, "frame", first, 0x88)
			wantEqual(t, "code", binary.BigEndian.Uint16(payload), 1002)
			s.wantDisconnect(t, 1002, "Protocol error")
		})
	}
}

// A client that does not read costs the poster a 429, nobody else anything, and can be cut off.
func TestClientDoesNotRead(t *testing.T) {
	manual := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	s := serve(t, handlers{}, func(c *gateway.Config) { c.OutgoingBuffer, c.Clock = 300<<10, manual })
	rawClient(t, s)
	id, m := s.id(t), inProcess(s.Gateway, "v0")
	data := strings.Repeat("x", 100<<10)
	var err error
	for posts := 0; err == nil && posts < 1000; posts++ { // the kernel buffers too
		err = post(t, m, id, data)
	}
	wantException[*types.LimitExceededException](t, "buffer full", err)

	reader := s.dial(t, "/v0", nil)
	if err := post(t, m, s.id(t), "hello"); err != nil {
		t.Fatal(err)
	}
	wantEqual(t, "message", read(t, reader), "hello")

	if _, err := m.DeleteConnection(t.Context(), &management.DeleteConnectionInput{ConnectionId: &id}); err != nil {
		t.Fatal(err)
	}
	s.wantDisconnect(t, 1000, "")
	manual.Advance(10 * time.Second) // Close, at the end of the test, waits until the client is cut off
}

// Pings are answered and do not keep a connection from being idle.
func TestPings(t *testing.T) {
	manual := clock.NewManual(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	s := serve(t, handlers{"ask": echo}, func(c *gateway.Config) { c.Clock = manual })
	ws := s.dial(t, "/v0", nil)
	ctx := ws.CloseRead(t.Context())
	for range 3 {
		manual.Advance(3 * time.Minute)
		if err := ws.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	manual.Advance(time.Minute)
	s.wantDisconnect(t, 1001, "Going away")
	<-ctx.Done()
}

// A connection that is deleted while its client is busy is closed in good order, not cut off.
func TestDeleteWhileBusy(t *testing.T) {
	s := serve(t, handlers{"ask": echo}, nil)
	for range 5 {
		ws := s.dial(t, "/v0", nil)
		id := s.id(t)
		sent := make(chan struct{})
		go func() {
			defer close(sent)
			for ws.Write(t.Context(), websocket.MessageText, []byte(`{"method":"ask"}`)) == nil {
			}
		}()
		read(t, ws)
		if _, err := inProcess(s.Gateway, "v0").DeleteConnection(t.Context(), &management.DeleteConnectionInput{ConnectionId: &id}); err != nil {
			t.Fatal(err)
		}
		for {
			_, _, err := ws.Read(t.Context())
			if err == nil {
				continue // answers of before
			}
			if websocket.CloseStatus(err) != websocket.StatusNormalClosure {
				t.Fatal(err)
			}
			break
		}
		s.wantDisconnect(t, 1000, "")
		<-sent
	}
}

func TestServerCloses(t *testing.T) {
	s := serve(t, handlers{}, nil)
	ws := s.dial(t, "/v0", nil)
	done := make(chan error)
	go func() { done <- s.Gateway.Close() }()
	s.wantClose(t, ws, 1001, "Going away")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	_, resp, err := websocket.Dial(t.Context(), "ws://"+s.host+"/v0", nil)
	if err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Error(err)
	}
}

// Clients do not disturb one another.
func TestManyConnections(t *testing.T) {
	s := serve(t, handlers{"ask": echo}, nil)
	const clients, messages = 20, 50
	errs := make(chan error, clients)
	for range clients {
		go func() { errs <- pingPong(t.Context(), "ws://"+s.host+"/v0", messages) }()
	}
	for range clients {
		if err := <-errs; err != nil {
			t.Error(err)
		}
		<-s.disconnected
	}
	wantEqual(t, "connections", s.Connections(), 0)
}

func pingPong(ctx context.Context, url string, n int) error {
	ws, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return err
	}
	defer ws.CloseNow()
	for range n {
		if err := ws.Write(ctx, websocket.MessageText, []byte(`{"id":1,"method":"ask"}`)); err != nil {
			return err
		}
		if _, _, err := ws.Read(ctx); err != nil {
			return err
		}
	}
	return ws.Close(websocket.StatusNormalClosure, "")
}
