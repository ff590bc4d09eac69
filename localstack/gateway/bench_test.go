package gateway_test

import (
	"context"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"nexus/localstack/gateway"
)

var ping = []byte(`{"jsonrpc":"2.0","id":1234,"method":"sys.ping","params":{}}`)

// pingAPI answers sys.ping without looking at it: what is measured is the gateway.
func pingAPI() gateway.Config {
	result := []byte(`{"statusCode":200,"headers":null,"multiValueHeaders":null,"body":"{\"jsonrpc\":\"2.0\",\"id\":1234,\"result\":\"pong\"}"}`)
	return gateway.Config{
		Stages: []string{"v0"},
		Routes: map[string]gateway.Route{"sys.ping": {Function: "sys", TwoWay: true}},
		Invoke: func(context.Context, string, []byte) ([]byte, error) { return result, nil },
	}
}

// countdown is a Transport that tells when it was sent n messages.
type countdown struct {
	left atomic.Int64
	done chan struct{}
}

func (c *countdown) Send([]byte) error {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
	return nil
}

func (c *countdown) Close(int, string) {}

// BenchmarkPing is a two-way message without a socket.
func BenchmarkPing(b *testing.B) {
	tr := &countdown{done: make(chan struct{})}
	tr.left.Store(int64(b.N))
	c, err := gateway.New(pingAPI()).Connect(b.Context(), "v0", gateway.ConnectRequest{}, tr)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		c.Receive(ping)
	}
	<-tr.done
}

// BenchmarkSocketPing is round trips of pings over loopback, clients included: each client has one ping under way, or a window of them.
func BenchmarkSocketPing(b *testing.B) {
	for _, shape := range []struct{ clients, window int }{{1, 1}, {16, 1}, {16, 16}} {
		b.Run(strconv.Itoa(shape.clients)+"x"+strconv.Itoa(shape.window), func(b *testing.B) {
			host := serveBench(b)
			var started atomic.Int64
			errs := make(chan error, shape.clients)
			b.ReportAllocs()
			b.ResetTimer()
			for range shape.clients {
				go func() { errs <- window(b.Context(), "ws://"+host+"/v0", shape.window, &started, int64(b.N)) }()
			}
			for range shape.clients {
				if err := <-errs; err != nil {
					b.Error(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pings/s")
		})
	}
}

// window sends pings until total were started by all clients, with at most size unanswered.
func window(ctx context.Context, url string, size int, started *atomic.Int64, total int64) error {
	ws, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return err
	}
	defer ws.CloseNow()
	open := 0
	for {
		for open < size && started.Add(1) <= total {
			if err := ws.Write(ctx, websocket.MessageText, ping); err != nil {
				return err
			}
			open++
		}
		if open == 0 {
			return ws.Close(websocket.StatusNormalClosure, "")
		}
		if _, _, err := ws.Read(ctx); err != nil {
			return err
		}
		open--
	}
}

func serveBench(b *testing.B) (host string) {
	g := gateway.New(pingAPI())
	server := httptest.NewServer(g)
	b.Cleanup(func() {
		if err := g.Close(); err != nil {
			b.Error(err)
		}
		server.Close()
	})
	return strings.TrimPrefix(server.URL, "http://")
}
