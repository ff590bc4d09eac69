package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	management "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"

	"nexus/localstack/gateway"
)

type request = events.APIGatewayWebsocketProxyRequest

// functions is what a test's API invokes: handlers by name, and a record of every event.
type functions struct {
	handlers map[string]func(context.Context, request) (any, error)

	mu  sync.Mutex
	raw [][]byte
}

func (f *functions) invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	f.mu.Lock()
	f.raw = append(f.raw, slices.Clone(payload))
	f.mu.Unlock()
	var r request
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, err
	}
	h := f.handlers[name]
	if h == nil {
		return nil, fmt.Errorf("no function %q", name)
	}
	result, err := h(ctx, r)
	if err != nil {
		return nil, err
	}
	if text, ok := result.(rawResult); ok {
		return []byte(text), nil
	}
	return json.Marshal(result)
}

// rawResult is a result that is no proxy response.
type rawResult string

// log is "eventType routeKey" of every invocation so far.
func (f *functions) log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var lines []string
	for _, raw := range f.raw {
		var r request
		_ = json.Unmarshal(raw, &r)
		lines = append(lines, r.RequestContext.EventType+" "+r.RequestContext.RouteKey)
	}
	return lines
}

// event is the latest event of a type, as it went to the function.
func (f *functions) event(t *testing.T, eventType string) ([]byte, request) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, raw := range slices.Backward(f.raw) {
		var r request
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		if r.RequestContext.EventType == eventType {
			return raw, r
		}
	}
	t.Fatalf("no %s event", eventType)
	return nil, request{}
}

func ok(context.Context, request) (any, error) {
	return events.APIGatewayProxyResponse{StatusCode: 200}, nil
}

func echo(_ context.Context, r request) (any, error) {
	return events.APIGatewayProxyResponse{StatusCode: 200, Body: r.Body}, nil
}

func fail(context.Context, request) (any, error) { return nil, errors.New("secret") }

// newAPI is an API with $connect, $disconnect, $default and one route for each handler more; a route is two-way if its name begins with "ask".
func newAPI(handlers map[string]func(context.Context, request) (any, error)) (*functions, gateway.Config) {
	f := &functions{handlers: handlers}
	routes := map[string]gateway.Route{}
	for _, key := range []string{"$connect", "$disconnect", "$default"} {
		if f.handlers[key] == nil {
			f.handlers[key] = ok
		}
	}
	for key := range f.handlers {
		routes[key] = gateway.Route{Function: key, TwoWay: strings.HasPrefix(key, "ask")}
	}
	return f, gateway.Config{Stages: []string{"v0", "v1"}, Routes: routes, Invoke: f.invoke, NewID: counter()}
}

// counter makes ids that need escaping, in order.
func counter() func() string {
	var n atomic.Int64
	return func() string { return fmt.Sprintf("id-%04d/+%%=", n.Add(1)) }
}

// client is a Transport that records what the gateway does.
type client struct {
	mu    sync.Mutex
	got   []string
	close string // "code reason"
	err   error  // what Send answers
}

func (c *client) Send(text []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.got = append(c.got, string(text))
	}
	return c.err
}

func (c *client) Close(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.close += fmt.Sprintf("%d %s", code, reason)
}

func (c *client) received() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.got)
}

func (c *client) closed() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.close
}

// connect opens a connection in memory.
func connect(t *testing.T, g *gateway.Gateway) (*gateway.Conn, *client) {
	t.Helper()
	tr := &client{}
	c, err := g.Connect(t.Context(), "v0", gateway.ConnectRequest{
		Header:   http.Header{"User-Agent": {"test/1"}, "X-Twice": {"a", "b"}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"}},
		Query:    map[string][]string{"q": {"1", "2"}},
		SourceIP: "192.0.2.7",
	}, tr)
	if err != nil {
		t.Fatal(err)
	}
	return c, tr
}

// sdk is a client of the @connections API. It does not retry, so that a 429 shows.
func sdk(endpoint string, client management.HTTPClient) *management.Client {
	return management.New(management.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("key", "secret", ""),
		HTTPClient:   client,
		Retryer:      aws.NopRetryer{},
	})
}

// inProcess is an SDK client of a stage by way of RoundTrip.
func inProcess(g *gateway.Gateway, stage string) *management.Client {
	return sdk("https://gateway.invalid/"+stage, &http.Client{Transport: g})
}

func post(t *testing.T, m *management.Client, id, data string) error {
	t.Helper()
	_, err := m.PostToConnection(t.Context(), &management.PostToConnectionInput{ConnectionId: &id, Data: []byte(data)})
	return err
}

func wantEqual[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want)
	if g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}
