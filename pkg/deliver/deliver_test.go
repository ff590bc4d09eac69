package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/gateway"
	"nexus/pkg/deliver"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi"
)

const endpoint = "https://api.example.com/v0"

// bench is a Poster for a gateway with one connection.
type bench struct {
	*deliver.Poster
	gateway *gateway.Gateway
	connid  string
	pauses  []int

	// The client's end.
	messages []string
	full     int // how many more messages find its buffer full
	closed   int // close code
}

// Send implements gateway.Transport.
func (b *bench) Send(text []byte) error {
	if b.full > 0 {
		b.full--
		return gateway.ErrBufferFull
	}
	b.messages = append(b.messages, string(text))
	return nil
}

// Close implements gateway.Transport.
func (b *bench) Close(code int, _ string) { b.closed = code }

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{gateway: gateway.New(gateway.Config{Stages: []string{"v0"}, Invoke: func(context.Context, string, []byte) ([]byte, error) {
		return nil, errors.New("there is no function")
	}})}
	t.Cleanup(func() { b.gateway.Close() })
	conn, err := b.gateway.Connect(t.Context(), "v0", gateway.ConnectRequest{}, b)
	if err != nil {
		t.Fatal(err)
	}
	b.Poster = deliver.New(func(ctx context.Context, attempt int) error {
		b.pauses = append(b.pauses, attempt)
		return ctx.Err()
	}, time.Now)
	b.Add(deliver.Node{ID: deliver.NodeID(endpoint), Stage: "v0"}, client(b.gateway))
	if b.connid, err = b.Connid("v0", conn.ID()); err != nil {
		t.Fatal(err)
	}
	return b
}

// client is an SDK client that does not retry by itself.
func client(to http.RoundTripper) *apigatewaymanagementapi.Client {
	return apigatewaymanagementapi.New(apigatewaymanagementapi.Options{Region: "us-east-1", BaseEndpoint: aws.String(endpoint),
		HTTPClient: &http.Client{Transport: to}, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")})
}

func TestConnidsBeginWithTheirNode(t *testing.T) {
	b := newBench(t)
	node := deliver.NodeID(endpoint)
	if len(node) != deliver.NodeDigits || strings.Trim(node, "0123456789abcdef") != "" || node == deliver.NodeID(endpoint+"x") {
		t.Errorf("node %q", node)
	}
	if !strings.HasPrefix(b.connid, node) {
		t.Errorf("connid %q of node %q", b.connid, node)
	}
	if connid, err := b.Connid("v9", "x"); err == nil || !strings.Contains(err.Error(), `"v9"`) {
		t.Errorf("a stage without endpoint: %q, %v", connid, err)
	}
}

func TestPostsArriveByteForByte(t *testing.T) {
	b := newBench(t)
	for _, message := range []string{`{ "a":1.0 }`, `"é<&>"`, strings.Repeat("x", 128<<10)} {
		if err := b.Post(t.Context(), b.connid, []byte(message)); err != nil || b.messages[len(b.messages)-1] != message {
			t.Errorf("%.20s: %v", message, err)
		}
	}
	if err := b.Post(t.Context(), b.connid, make([]byte, 128<<10+1)); err == nil || errors.Is(err, deliver.ErrGone) {
		t.Errorf("too long a message: %v", err)
	}
}

// What no post will ever reach is gone, whoever says so.
func TestGone(t *testing.T) {
	b := newBench(t)
	other := deliver.NodeID("https://other.example.com/v0") + b.connid[deliver.NodeDigits:]
	for _, connid := range []string{b.connid + "x", other, b.connid[:deliver.NodeDigits], "", "x"} {
		if err := b.Post(t.Context(), connid, []byte(`1`)); !errors.Is(err, deliver.ErrGone) {
			t.Errorf("post to %q: %v", connid, err)
		}
		if _, err := b.LastActive(t.Context(), connid); !errors.Is(err, deliver.ErrGone) {
			t.Errorf("last active of %q: %v", connid, err)
		}
		if err := b.Poster.Close(t.Context(), connid); err != nil {
			t.Errorf("close of %q: %v", connid, err)
		}
	}
	if len(b.pauses) > 0 || len(b.messages) > 0 || b.closed != 0 {
		t.Errorf("pauses %v, messages %v, closed %d", b.pauses, b.messages, b.closed)
	}
}

func TestAThrottledPostIsTriedAgain(t *testing.T) {
	b := newBench(t)
	b.full = deliver.Throttled - 1
	if err := b.Post(t.Context(), b.connid, []byte(`1`)); err != nil || !slices.Equal(b.messages, []string{`1`}) || !slices.Equal(b.pauses, []int{1, 2, 3, 4}) {
		t.Errorf("%v; messages %v after pauses %v", err, b.messages, b.pauses)
	}
	b.full = deliver.Throttled
	if err := b.Post(t.Context(), b.connid, []byte(`2`)); err == nil || errors.Is(err, deliver.ErrGone) || len(b.messages) != 1 || b.full != 0 {
		t.Errorf("a client that does not read: %v, %d tries left", err, b.full)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b.full = 2
	b.Poster = deliver.New(func(ctx context.Context, _ int) error { cancel(); return ctx.Err() }, time.Now)
	b.Add(deliver.Node{ID: deliver.NodeID(endpoint), Stage: "v0"}, client(b.gateway))
	if err := b.Post(ctx, b.connid, []byte(`3`)); !errors.Is(err, context.Canceled) || b.full != 1 {
		t.Errorf("a context that ended: %v", err)
	}
}

// After any other error the message may have arrived: it is not sent again here.
func TestAnotherErrorIsNotTriedAgain(t *testing.T) {
	b := newBench(t)
	tries := 0
	b.Poster = deliver.New(nil, time.Now)
	b.Add(deliver.Node{ID: deliver.NodeID(endpoint), Stage: "v0"}, client(roundTrip(func(*http.Request) (*http.Response, error) {
		tries++
		return nil, fmt.Errorf("connection reset")
	})))
	if err := b.Post(t.Context(), b.connid, []byte(`1`)); err == nil || errors.Is(err, deliver.ErrGone) || tries != 1 {
		t.Errorf("%v after %d tries", err, tries)
	}
	if _, err := b.LastActive(t.Context(), b.connid); err == nil || errors.Is(err, deliver.ErrGone) {
		t.Errorf("last active: %v", err)
	}
	if err := b.Poster.Close(t.Context(), b.connid); err == nil {
		t.Error("close: no error")
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestLastActiveAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		connected := time.Now()
		<-time.After(time.Minute)
		if at, err := b.LastActive(t.Context(), b.connid); err != nil || !at.Equal(connected) {
			t.Errorf("silent: %v, %v", at, err)
		}
		if err := b.Post(t.Context(), b.connid, []byte(`1`)); err != nil {
			t.Fatal(err)
		}
		if at, err := b.LastActive(t.Context(), b.connid); err != nil || !at.Equal(time.Now()) {
			t.Errorf("after a post: %v, %v", at, err)
		}
		if err := b.Poster.Close(t.Context(), b.connid); err != nil || b.closed != 1000 {
			t.Errorf("%v, closed with %d", err, b.closed)
		}
		if err := b.Post(t.Context(), b.connid, []byte(`2`)); !errors.Is(err, deliver.ErrGone) {
			t.Errorf("after the close: %v", err)
		}
	})
}

func TestNodesAreInTheOrderOfTheirIDs(t *testing.T) {
	p := deliver.New(nil, time.Now)
	if got := p.Nodes(); len(got) != 0 {
		t.Errorf("%v", got)
	}
	for _, id := range []string{"bb", "cc", "aa"} {
		p.Add(deliver.Node{ID: id, Stage: "v" + id}, nil)
	}
	if got, want := p.Nodes(), []deliver.Node{{ID: "aa", Stage: "vaa"}, {ID: "bb", Stage: "vbb"}, {ID: "cc", Stage: "vcc"}}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
