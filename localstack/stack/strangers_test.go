package stack_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"nexus/localstack/stack"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	"github.com/coder/websocket"
)

// dial opens a WebSocket as somebody with a header does, and returns it, or the status of the refusal.
func dial(t *testing.T, url string, header http.Header, host string, subprotocols ...string) (*websocket.Conn, int) {
	t.Helper()
	ws, resp, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPHeader: header, Host: host, Subprotocols: subprotocols})
	switch {
	case err == nil:
		t.Cleanup(func() { _ = ws.CloseNow() })
		return ws, http.StatusSwitchingProtocols
	case resp == nil:
		t.Fatal(err)
	}
	return nil, resp.StatusCode
}

// page is what a browser sends of a page.
func page(origin string) http.Header {
	return http.Header{"Origin": {origin}, "User-Agent": {"Mozilla/5.0"}}
}

// A page of any other site cannot open the local bus, whose password everybody knows.
func TestPagesOfStrangersOpenNoConnection(t *testing.T) {
	s := start(t, stack.Config{Listen: "127.0.0.1:0", AllowOrigins: []string{"https://app.example"}})
	_, port, _ := strings.Cut(s.Addr, ":")
	for _, test := range []struct {
		header http.Header
		host   string
		want   int
	}{
		{nil, "", 101}, // a program
		{http.Header{"Origin": {"http://nexusclient.go"}, "User-Agent": {""}}, "", 101}, // nxgo
		{page("http://127.0.0.1:" + port), "", 101},
		{page("http://localhost:" + port), "", 101},
		{page("https://app.example"), "", 101},
		{page("https://evil.example"), "", 403},
		{page("http://localhost:3000"), "", 403},
		{page("null"), "", 403},
		{page("http://evil.example:" + port), "evil.example:" + port, 403}, // DNS rebinding
		{nil, "evil.example:" + port, 403},
	} {
		if _, status := dial(t, "ws://"+s.Addr+"/v0", test.header, test.host); status != test.want {
			t.Errorf("%v of host %q: %d, want %d", test.header, test.host, status, test.want)
		}
	}
	if n := s.Gateway.Connections(); n != 5 {
		t.Errorf("%d connections", n)
	}
}

func TestPagesOfStrangersReadNoTables(t *testing.T) {
	s := start(t, stack.Config{DynamoDB: "127.0.0.1:0"})
	for host, want := range map[string]int{"": http.StatusOK, "evil.example": http.StatusForbidden} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.DynamoDBAddr, strings.NewReader(`{"TableName":"nexus-users"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.Scan")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != want || strings.Contains(string(body), "root") != (want == http.StatusOK) {
			t.Errorf("host %q: %d %s", host, resp.StatusCode, body)
		}
	}
}

func TestMistakesInOrigins(t *testing.T) {
	if _, err := stack.Start(t.Context(), stack.Config{AllowOrigins: []string{"app.example"}}); err == nil || !strings.Contains(err.Error(), `"app.example"`) {
		t.Error(err)
	}
}

// Nobody forges an answer: posts are not taken where clients connect.
func TestClientsPostToNobody(t *testing.T) {
	s := start(t, stack.Config{Listen: "127.0.0.1:0"})
	ws, _ := dial(t, "ws://"+s.Addr+"/v0", nil, "")
	for _, path := range []string{"/v0/@connections/x", "/v0/%40connections/x", "/@connections/x"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Addr+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s: %d", method, path, resp.StatusCode)
			}
		}
	}
	if got := asks(t, ws, `{"id":1,"method":"sys.ping"}`); got != `{"jsonrpc":"2.0","id":1,"result":"pong"}` {
		t.Error(got)
	}
}

// asks sends a request and returns the message that comes.
func asks(t *testing.T, ws *websocket.Conn, request string) string {
	t.Helper()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte(request)); err != nil {
		t.Fatal(err)
	}
	_, answer, err := ws.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// strangersReachNoFunctionsPort holds the port that functions in processes of their own use: what they did not sign is refused, by tables and @connections.
func strangersReachNoFunctionsPort(t *testing.T, s *stack.Stack) {
	t.Helper()
	if resp, err := http.Post(s.Env[handler.EnvCallbackV0]+"/@connections/x", "", strings.NewReader("forged")); err != nil {
		t.Fatal(err)
	} else if _ = resp.Body.Close(); resp.StatusCode != http.StatusForbidden {
		t.Errorf("unsigned: %s", resp.Status)
	}
	for _, secret := range []string{"local", "root"} {
		c := aws.Config{Region: stack.Region, Credentials: credentials.NewStaticCredentialsProvider(nexus.FunctionTask, secret, "local"), RetryMaxAttempts: 1}
		connections := apigatewaymanagementapi.NewFromConfig(c, func(o *apigatewaymanagementapi.Options) { o.BaseEndpoint = aws.String(s.Env[handler.EnvCallbackV0]) })
		_, posted := connections.PostToConnection(t.Context(), &apigatewaymanagementapi.PostToConnectionInput{ConnectionId: aws.String("x"), Data: []byte("forged")})
		tables := dynamodb.NewFromConfig(c, func(o *dynamodb.Options) { o.BaseEndpoint = aws.String(s.Env["AWS_ENDPOINT_URL"]) })
		_, scanned := tables.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("nexus-users")})
		for _, err := range []error{posted, scanned} {
			if api, ok := errors.AsType[smithy.APIError](err); !ok || api.ErrorCode() != "InvalidSignatureException" {
				t.Errorf("signed by %q: %v", secret, err)
			}
		}
	}
}

// A browser that offers a subprotocol closes the connection if it is answered none.
func TestASubprotocolOfferedAloneIsEchoed(t *testing.T) {
	s := start(t, stack.Config{Listen: "127.0.0.1:0"})
	for _, test := range []struct {
		offered []string
		want    string
	}{
		{nil, ""},
		{[]string{"jsonrpc"}, "jsonrpc"},
		{[]string{"nexus"}, "nexus"},
		{[]string{"graphql-ws", "jsonrpc"}, ""},
		{[]string{"jsonrpc", "nexus"}, "nexus"},
		{[]string{"nexus", "jsonrpc"}, "nexus"},
	} {
		ws, status := dial(t, "ws://"+s.Addr+"/v1", nil, "", test.offered...)
		if status != http.StatusSwitchingProtocols || ws.Subprotocol() != test.want {
			t.Fatalf("%v: %d %q, want %q", test.offered, status, ws.Subprotocol(), test.want)
		}
		if got := asks(t, ws, `{"id":1,"method":"sys.ping"}`); got != `{"jsonrpc":"2.0","id":1,"result":{"ok":true}}` {
			t.Errorf("%v: %s", test.offered, got)
		}
	}
}

// Clients in Python drop the path of their address.
func TestAnAddressWithoutAPathIsV1(t *testing.T) {
	s := start(t, stack.Config{Listen: "127.0.0.1:0"})
	for _, path := range []string{"", "/", "/?x=y"} {
		ws, status := dial(t, "ws://"+s.Addr+path, nil, "")
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("%q: %d", path, status)
		}
		if got := asks(t, ws, `{"id":1,"method":"sys.version"}`); got != `{"jsonrpc":"2.0","id":1,"result":{"version":"1.9.0"}}` {
			t.Errorf("%q: %s", path, got)
		}
	}
	for _, path := range []string{"/v2", "/v1/x", "/x"} {
		if _, status := dial(t, "ws://"+s.Addr+path, nil, ""); status != http.StatusForbidden {
			t.Errorf("%s: %d", path, status)
		}
	}
}
