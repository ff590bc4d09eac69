package gateway_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/gateway"
)

// throttled is an API whose routes tell and ask are throttled, and $connect.
func throttled(throttles map[string]gateway.Throttle) (*functions, *gateway.Gateway) {
	f, config := newAPI(handlers{"tell": ok, "askit": echo})
	config.Throttles = throttles
	return f, gateway.New(config)
}

// count returns how often each of some texts is among others.
func count(lines []string, of string) (n int) {
	for _, line := range lines {
		if line == of {
			n++
		}
	}
	return n
}

// A route takes Burst at once and then Rate a second, of all connections of a stage together; what goes beyond is told so and reaches no function.
func TestMessagesBeyondAThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, g := throttled(map[string]gateway.Throttle{"tell": {Rate: 10, Burst: 5}})
		defer g.Close()
		a, toA := connect(t, g)
		b, toB := connect(t, g)
		send := func(c *gateway.Conn, n int) {
			for range n {
				c.Receive([]byte(`{"id":1,"method":"tell"}`))
			}
			synctest.Wait()
		}
		send(a, 4)
		send(b, 3)
		wantEqual(t, "taken", count(f.log(), "MESSAGE tell"), 5)
		wantEqual(t, "told a", len(toA.received()), 0)
		wantEqual(t, "told b", len(toB.received()), 2)
		wantEqual(t, "what b is told", toB.received()[0], `{"message": "Too Many Requests", "connectionId":"`+b.ID()+`", "requestId":"id-0015/+%="}`)
		b.Receive([]byte(`{"method":"askit"}`)) // another route
		synctest.Wait()
		wantEqual(t, "another route", toB.received()[2], `{"method":"askit"}`)
		other := &client{}
		c, err := g.Connect(t.Context(), "v1", gateway.ConnectRequest{}, other)
		if err != nil {
			t.Fatal(err)
		}
		send(c, 5)
		wantEqual(t, "another stage", len(other.received()), 0)
		time.Sleep(300 * time.Millisecond) // three tokens
		send(a, 10)
		wantEqual(t, "taken", count(f.log(), "MESSAGE tell"), 13)
		wantEqual(t, "told a", len(toA.received()), 7)
		time.Sleep(time.Hour) // and the idle timers
		wantEqual(t, "closed", toA.closed(), "1001 Going away")
	})
}

func TestConnectionsBeyondAThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, g := throttled(map[string]gateway.Throttle{"$connect": {Rate: 1, Burst: 2}, "$disconnect": {Rate: 1, Burst: 1}})
		var open []*gateway.Conn
		for n := range 4 {
			c, err := g.Connect(t.Context(), "v0", gateway.ConnectRequest{}, &client{})
			refused, _ := errors.AsType[*gateway.ConnectError](err)
			if (n < 2) != (err == nil) || n >= 2 && (refused == nil || refused.Status != http.StatusTooManyRequests || refused.ConnectionID == "") {
				t.Errorf("connection %d: %v", n, err)
			}
			if err == nil {
				open = append(open, c)
			}
		}
		time.Sleep(time.Second)
		c, err := g.Connect(t.Context(), "v0", gateway.ConnectRequest{}, &client{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range append(open, c) {
			c.Closed(1000, "")
		}
		synctest.Wait()
		wantEqual(t, "connects", count(f.log(), "CONNECT $connect"), 3)
		wantEqual(t, "disconnects, which no throttle refuses", count(f.log(), "DISCONNECT $disconnect"), 3)
		g.Close()
	})
}

func TestMistakesInThrottles(t *testing.T) {
	for name, throttles := range map[string]map[string]gateway.Throttle{
		"no route": {"nothing": {Rate: 1, Burst: 1}},
		"no rate":  {"tell": {Burst: 1}},
		"no burst": {"tell": {Rate: 1}},
	} {
		_, g := throttled(throttles)
		if _, err := g.Connect(context.Background(), "v0", gateway.ConnectRequest{}, &client{}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
