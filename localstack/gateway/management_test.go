package gateway_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	management "github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi/types"
	"github.com/aws/smithy-go"

	"nexus/localstack/gateway"
)

// wantException checks that an SDK call failed with an exception of type E.
func wantException[E error](t *testing.T, what string, err error) {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Errorf("%s: want %T, got %v", what, e, err)
	}
}

func TestPostToConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, config := newAPI(handlers{})
		g := gateway.New(config)
		c, tr := connect(t, g)
		m := inProcess(g, "v0")
		big := strings.Repeat("x", 128<<10)
		for _, data := range []string{"hello", "", big} {
			if err := post(t, m, c.ID(), data); err != nil {
				t.Fatal(err)
			}
		}
		wantEqual(t, "messages", tr.received(), []string{"hello", "", big})

		wantException[*types.PayloadTooLargeException](t, "too big", post(t, m, c.ID(), big+"x"))
		wantException[*types.GoneException](t, "another stage", post(t, inProcess(g, "v1"), c.ID(), "x"))
		wantException[*types.ForbiddenException](t, "an unknown stage", post(t, inProcess(g, "v2"), c.ID(), "x"))
		wantException[*types.GoneException](t, "an unknown id", post(t, m, "x", "x"))
		var api smithy.APIError
		if err := post(t, m, c.ID(), "\xff"); !errors.As(err, &api) || api.ErrorCode() != "BadRequestException" {
			t.Error(err)
		}
		tr.err = gateway.ErrBufferFull
		wantException[*types.LimitExceededException](t, "buffer full", post(t, m, c.ID(), "x"))
		tr.err = io.ErrClosedPipe
		wantException[*types.GoneException](t, "client gone", post(t, m, c.ID(), "x"))
		tr.err = nil
		wantEqual(t, "number of messages", len(tr.received()), 3)
		c.Closed(1000, "")
		wantException[*types.GoneException](t, "closed", post(t, m, c.ID(), "x"))
		synctest.Wait()
	})
}

func TestGetConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, config := newAPI(handlers{})
		g := gateway.New(config)
		c, tr := connect(t, g)
		m := inProcess(g, "v0")
		get := func() (*management.GetConnectionOutput, error) {
			return m.GetConnection(t.Context(), &management.GetConnectionInput{ConnectionId: aws.String(c.ID())})
		}
		connected := time.Now()
		active := connected
		check := func() {
			t.Helper()
			out, err := get()
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "connectedAt", *out.ConnectedAt, connected.UTC())
			wantEqual(t, "lastActiveAt", *out.LastActiveAt, active.UTC())
			wantEqual(t, "identity", *out.Identity.SourceIp+" "+*out.Identity.UserAgent, "192.0.2.7 test/1")
		}
		check()
		time.Sleep(1234 * time.Millisecond)
		check()
		active = time.Now()
		c.Receive([]byte(`{}`))
		time.Sleep(time.Second)
		check()
		active = time.Now()
		if err := post(t, m, c.ID(), "x"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		check()
		tr.err = gateway.ErrBufferFull // what is not sent is no activity
		wantException[*types.LimitExceededException](t, "post", post(t, m, c.ID(), "x"))
		check()
		c.Closed(1000, "")
		_, err := get()
		wantException[*types.GoneException](t, "closed", err)
		synctest.Wait()
	})
}

func TestDeleteConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, config := newAPI(handlers{})
		g := gateway.New(config)
		c, tr := connect(t, g)
		m := inProcess(g, "v0")
		del := func() error {
			_, err := m.DeleteConnection(t.Context(), &management.DeleteConnectionInput{ConnectionId: aws.String(c.ID())})
			return err
		}
		if err := del(); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "close", tr.closed(), "1000 ")
		c.Closed(1000, "") // the client's side of the same close
		synctest.Wait()
		wantEqual(t, "invocations", f.log(), []string{"CONNECT $connect", "DISCONNECT $disconnect"})
		wantException[*types.GoneException](t, "twice", del())
	})
}

// During its own $connect a connection does not exist, after it does.
func TestPostInsideConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g *gateway.Gateway
		_, config := newAPI(handlers{"$connect": func(ctx context.Context, r request) (any, error) {
			wantException[*types.GoneException](t, "inside of $connect", post(t, inProcess(g, "v0"), r.RequestContext.ConnectionID, "x"))
			return ok(ctx, r)
		}})
		g = gateway.New(config)
		c, tr := connect(t, g)
		if err := post(t, inProcess(g, "v0"), c.ID(), "y"); err != nil {
			t.Fatal(err)
		}
		wantEqual(t, "messages", tr.received(), []string{"y"})
		g.Close()
	})
}

func TestOddManagementRequests(t *testing.T) {
	_, config := newAPI(handlers{})
	g := gateway.New(config)
	for _, test := range []struct{ method, path string }{
		{"PUT", "/v0/@connections/x"},
		{"POST", "/v0/@connections"},
		{"POST", "/v0/@connections/"},
		{"POST", "/v0/@connections/x/y"},
		{"POST", "/v0/connections/x"},
		{"POST", "/@connections/x"},
		{"POST", "/"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, "https://gateway.invalid"+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		wantEqual(t, test.method+" "+test.path, resp.Status+" "+resp.Header.Get("x-amzn-ErrorType")+" "+string(body),
			`403 Forbidden ForbiddenException {"__type":"ForbiddenException","message":"Forbidden"}`)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, _ := http.NewRequestWithContext(ctx, "POST", "https://gateway.invalid/v0/@connections/x", nil)
	if _, err := g.RoundTrip(r); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}
