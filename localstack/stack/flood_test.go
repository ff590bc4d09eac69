package stack_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/stack"
	"nexus/localstack/transcript"
	"nexus/pkg/nexus"
)

// hashing stands for a password's hash: each read of a user takes as long, and is counted.
type hashing struct {
	next http.RoundTripper
	n    *atomic.Int64
}

// RoundTrip implements http.RoundTripper.
func (h hashing) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("X-Amz-Target") == "DynamoDB_20120810.GetItem" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.WithContext(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
		if bytes.Contains(body, []byte(`"nexus-users"`)) && bytes.Contains(body, []byte(`"root"`)) {
			h.n.Add(1)
			time.Sleep(25 * time.Millisecond)
		}
	}
	return h.next.RoundTrip(r)
}

// told counts what a connection was sent, by what it says, until nothing more is there.
func told(t *testing.T, conn transcript.Conn) map[string]int {
	t.Helper()
	all := map[string]int{}
	for {
		text, err := conn.(*client).next()
		switch s := string(text); {
		case err != nil:
			all["closed"]++
			return all
		case text == nil:
			return all
		case strings.Contains(s, `{"message": "Too Many Requests"`):
			all["throttled"]++
		case strings.Contains(s, `"code":-32012`):
			all["one at a time"]++
		case strings.Contains(s, `"pong"`):
			all["pong"]++
		default:
			all[s]++
		}
	}
}

// entersWithin logs in on a new connection, again after 50 ms where a throttle refuses it.
func entersWithin(t *testing.T, s *stack.Stack, within time.Duration) {
	t.Helper()
	began := time.Now()
	conn, err := (&inProcess{s.Gateway}).Dial(t.Context(), "/v0")
	if err != nil {
		t.Fatal(err)
	}
	for time.Since(began) < within {
		if err := conn.Send([]byte(`{"id":1,"method":"sys.login","params":{"user":"root","pass":"root"}}`)); err != nil {
			t.Fatal(err)
		}
		text, err := conn.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), `"ok":true`) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("not logged in within %v", within)
}

// While one connection sends 400 logins and pings as fast as it can, with the throttles of a deployment, another's login takes below a second. The flooder's
// logins cost one hash; its connection is closed.
func TestAFloodOfLoginsAndPingsKeepsNobodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hashes, pings := &atomic.Int64{}, &atomic.Int64{}
		s := start(t, stack.Config{Throttle: nexus.DefaultThrottle(), Wire: func(next http.RoundTripper) http.RoundTripper { return hashing{next, hashes} },
			Invoke: func(next stack.Invoke) stack.Invoke {
				return func(ctx context.Context, function string, payload []byte) ([]byte, error) {
					if bytes.Contains(payload, []byte(`"routeKey":"sys.ping"`)) {
						pings.Add(1)
					}
					return next(ctx, function, payload)
				}
			}})
		before := hashes.Load()
		flooder, err := (&inProcess{s.Gateway}).Dial(t.Context(), "/v0")
		if err != nil {
			t.Fatal(err)
		}
		for range 400 {
			if err := flooder.Send([]byte(`{"id":1,"method":"sys.login","params":{"user":"root","pass":"root"}}`)); err != nil {
				t.Fatal(err)
			}
		}
		entersWithin(t, s, time.Second)
		if n := hashes.Load() - before; n != 2 {
			t.Errorf("%d hashes, of the flooder and of who logged in", n)
		}
		if got := told(t, flooder); got["throttled"] > 200 || got["closed"] != 1 || got["one at a time"] > 21 || got["pong"] != 0 {
			t.Errorf("the flooder was told %v", got)
		}

		// A thousand pings a second: as many are taken as the throttle says, and somebody else logs in meanwhile.
		flooder, err = (&inProcess{s.Gateway}).Dial(t.Context(), "/v0")
		if err != nil {
			t.Fatal(err)
		}
		for n := range 3000 {
			if err := flooder.Send([]byte(`{"id":2,"method":"sys.ping"}`)); err != nil {
				t.Fatal(err)
			}
			if n == 1500 {
				entersWithin(t, s, time.Second)
			}
			time.Sleep(time.Millisecond)
		}
		synctest.Wait()
		got := told(t, flooder)
		if n := pings.Load(); n < 990 || n > 1010+200 || got["pong"] != int(n) || got["throttled"] != 3000-int(n) {
			t.Errorf("%d pings were taken; the flooder was told %v", n, got)
		}
	})
}
