package gateway_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"nexus/localstack/gateway"
)

type handlers = map[string]func(context.Context, request) (any, error)

func TestWhatAMessageGives(t *testing.T) {
	result := func(text string) func(context.Context, request) (any, error) {
		return func(context.Context, request) (any, error) { return rawResult(text), nil }
	}
	const internal = `{"message": "Internal server error", "connectionId":"id-0001/+%=", "requestId":"id-0003/+%="}`
	for _, test := range []struct {
		name, route string
		handler     func(context.Context, request) (any, error)
		want        []string
	}{
		{"two-way", "ask", echo, []string{`{"method":"ask"}`}},
		{"two-way, error status", "ask", result(`{"statusCode":500,"body":"b"}`), []string{"b"}},
		{"two-way, no body", "ask", ok, []string{""}},
		{"two-way, null body", "ask", result(`{"statusCode":200,"body":null,"headers":null}`), []string{""}},
		{"two-way, escaped body", "ask", result(`{"statusCode":200,"body":"\u00e9\n\"","isBase64Encoded":false}`), []string{"é\n\""}},
		{"two-way, error", "ask", fail, []string{internal}},
		{"one-way", "tell", echo, nil},
		{"one-way, error", "tell", fail, []string{internal}},
		{"null", "tell", result(`null`), []string{internal}},
		{"nothing", "tell", result(``), []string{internal}},
		{"a string", "tell", result(`"x"`), []string{internal}},
		{"no status", "tell", result(`{"body":"x"}`), []string{internal}},
		{"status as a string", "tell", result(`{"statusCode":"200"}`), []string{internal}},
		{"name in the wrong case", "tell", result(`{"StatusCode":200}`), []string{internal}},
		{"unknown member", "tell", result(`{"statusCode":200,"cookies":[]}`), []string{internal}},
		{"body not a string", "tell", result(`{"statusCode":200,"body":{}}`), []string{internal}},
		{"base64", "ask", result(`{"statusCode":200,"body":"eA==","isBase64Encoded":true}`), []string{internal}},
		{"headers not strings", "tell", result(`{"statusCode":200,"headers":{"a":1}}`), []string{internal}},
		{"multi-value headers", "tell", result(`{"statusCode":200,"multiValueHeaders":{"a":["1"]}}`), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				_, config := newAPI(handlers{test.route: test.handler})
				g := gateway.New(config)
				c, tr := connect(t, g)
				c.Receive([]byte(`{"method":"` + test.route + `"}`))
				synctest.Wait()
				wantEqual(t, "messages", tr.received(), test.want)
				wantEqual(t, "close", tr.closed(), "")
				if err := g.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func TestRoutes(t *testing.T) {
	for message, route := range map[string]string{
		`{"method":"a.b"}`: "a.b",
		` { "x" : [ {"method":1} ] , "method":"a.b"}`: "a.b",
		`{"method":"zz","method":"a.b"}`:              "a.b",
		`{"\u006dethod":"a\u002eb"}`:                  "a.b",
		`{"method":5}`:                                "5",
		`{"method":"5"}`:                              "5",
		`{"method":true}`:                             "true",
		`{"Method":"a.b"}`:                            "$default",
		`{"params":{"method":"a.b"}}`:                 "$default",
		`{"method":"A.B"}`:                            "$default",
		`{"method":null}`:                             "$default",
		`{"method":"a.b","method":null}`:              "$default",
		`{"method":{"a.b":1}}`:                        "$default",
		`{"method":["a.b"]}`:                          "$default",
		`{"method":""}`:                               "$default",
		`{"method":"a.b"}}`:                           "$default",
		`{"method":"a.b"} {}`:                         "$default",
		`[{"method":"a.b"}]`:                          "$default",
		`"method"`:                                    "$default",
		`{}`:                                          "$default",
		``:                                            "$default",
		// Undocumented on AWS: the worst case is that lifecycle routes can be typed.
		`{"method":"$connect"}`:    "$connect",
		`{"method":"$disconnect"}`: "$disconnect",
		`{"method":"$default"}`:    "$default",
	} {
		synctest.Test(t, func(t *testing.T) {
			f, config := newAPI(handlers{"a.b": ok, "5": ok, "true": ok})
			g := gateway.New(config)
			c, tr := connect(t, g)
			c.Receive([]byte(message))
			synctest.Wait()
			wantEqual(t, message, f.log(), []string{"CONNECT $connect", "MESSAGE " + route})
			if raw, r := f.event(t, "MESSAGE"); r.Body != message {
				t.Errorf("body of %s", raw)
			}
			wantEqual(t, "messages", tr.received(), []string{})
			g.Close()
		})
	}
}

func TestNoDefaultRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, config := newAPI(handlers{})
		delete(config.Routes, "$default")
		delete(config.Routes, "$connect")
		delete(config.Routes, "$disconnect")
		g := gateway.New(config)
		c, tr := connect(t, g)
		c.Receive([]byte(`hello`))
		synctest.Wait()
		wantEqual(t, "messages", tr.received(), []string{`{"message": "Forbidden", "connectionId":"id-0001/+%=", "requestId":"id-0003/+%="}`})
		c.Closed(1000, "")
		synctest.Wait()
		wantEqual(t, "invocations", f.log(), []string{})
	})
}

func TestMessagesRunConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		_, config := newAPI(handlers{"ask.slow": func(ctx context.Context, r request) (any, error) {
			<-release
			return echo(ctx, r)
		}, "ask.fast": echo})
		g := gateway.New(config)
		c, tr := connect(t, g)
		c.Receive([]byte(`{"method":"ask.slow"}`))
		c.Receive([]byte(`{"method":"ask.fast"}`))
		synctest.Wait()
		wantEqual(t, "messages", tr.received(), []string{`{"method":"ask.fast"}`})
		close(release)
		synctest.Wait()
		wantEqual(t, "messages", tr.received(), []string{`{"method":"ask.fast"}`, `{"method":"ask.slow"}`})
	})
}

func TestIntegrationTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var ended time.Duration
		_, config := newAPI(handlers{"tell": func(ctx context.Context, _ request) (any, error) {
			<-ctx.Done()
			ended = time.Since(start)
			return ok(ctx, request{}) // too late
		}})
		g := gateway.New(config)
		c, tr := connect(t, g)
		c.Receive([]byte(`{"method":"tell"}`))
		time.Sleep(30 * time.Second)
		synctest.Wait()
		wantEqual(t, "ended", ended, 29*time.Second)
		wantEqual(t, "messages", tr.received(), []string{`{"message": "Internal server error", "connectionId":"id-0001/+%=", "requestId":"id-0003/+%="}`})
	})
}

func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, config := newAPI(handlers{"tell": ok})
		g := gateway.New(config)
		c, tr := connect(t, g)
		m := inProcess(g, "v0")
		time.Sleep(9 * time.Minute)
		c.Receive([]byte(`{"method":"tell"}`)) // a message of the client
		time.Sleep(9 * time.Minute)
		if err := post(t, m, c.ID(), "x"); err != nil { // a message to the client
			t.Fatal(err)
		}
		time.Sleep(10*time.Minute - time.Millisecond)
		synctest.Wait()
		wantEqual(t, "close", tr.closed(), "")
		time.Sleep(time.Millisecond)
		synctest.Wait()
		wantEqual(t, "close", tr.closed(), "1001 Going away")
		_, r := f.event(t, "DISCONNECT")
		wantEqual(t, "code", r.RequestContext.DisconnectStatusCode, 1001)
		wantEqual(t, "reason", *r.RequestContext.DisconnectReason, "Going away")
		wantEqual(t, "connections", g.Connections(), 0)
	})
}

func TestLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, config := newAPI(handlers{"tell": ok})
		g := gateway.New(config)
		c, tr := connect(t, g)
		for range 24 {
			wantEqual(t, "close", tr.closed(), "")
			c.Receive([]byte(`{"method":"tell"}`))
			time.Sleep(5 * time.Minute)
		}
		synctest.Wait()
		wantEqual(t, "close", tr.closed(), "1001 Going away")
		c.Receive([]byte(`{"method":"tell"}`))
		c.Closed(1006, "")
		synctest.Wait()
		log := f.log()
		wantEqual(t, "invocations", log[len(log)-2:], []string{"MESSAGE tell", "DISCONNECT $disconnect"})
		wantEqual(t, "number of invocations", len(log), 26)
	})
}

func TestRefusedMessages(t *testing.T) {
	for _, test := range []struct{ name, message, want string }{
		{"as big as may be", strings.Repeat("x", 128<<10), ""},
		{"too big", strings.Repeat("x", 128<<10+1), "1009 Message too big"},
		{"not UTF-8", "{\"method\":\"\xff\"}", "1007 Invalid UTF-8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, config := newAPI(handlers{})
				g := gateway.New(config)
				c, tr := connect(t, g)
				c.Receive([]byte(test.message))
				synctest.Wait()
				wantEqual(t, "close", tr.closed(), test.want)
				want := []string{"CONNECT $connect", "MESSAGE $default"}
				if test.want != "" {
					want[1] = "DISCONNECT $disconnect"
				}
				wantEqual(t, "invocations", f.log(), want)
				g.Close()
			})
		})
	}
}

func TestRefusedConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		results := map[string]func(context.Context, request) (any, error){
			"403": func(context.Context, request) (any, error) {
				return events.APIGatewayProxyResponse{StatusCode: 403}, nil
			},
			"502 error":     fail,
			"502 malformed": func(context.Context, request) (any, error) { return rawResult("null"), nil },
			"502 redirect":  func(context.Context, request) (any, error) { return rawResult(`{"statusCode":101}`), nil },
			"504 timeout":   func(ctx context.Context, _ request) (any, error) { <-ctx.Done(); return nil, ctx.Err() },
		}
		for want, handler := range results {
			f, config := newAPI(handlers{"$connect": handler})
			g := gateway.New(config)
			_, err := g.Connect(t.Context(), "v0", gateway.ConnectRequest{}, &client{})
			var refused *gateway.ConnectError
			if !errors.As(err, &refused) {
				t.Fatalf("%s: %v", want, err)
			}
			wantEqual(t, want, refused.Status, int(want[0]-'0')*100+int(want[2]-'0'))
			if cause := errors.Unwrap(err); want == "502 error" && (cause == nil || cause.Error() != "secret") {
				t.Errorf("cause: %v", cause)
			}
			wantEqual(t, "connections", g.Connections(), 0)
			g.Close()
			wantEqual(t, "invocations", f.log(), []string{"CONNECT $connect"})
		}
	})
}

func TestConnectOnUnknownStage(t *testing.T) {
	_, config := newAPI(handlers{})
	_, err := gateway.New(config).Connect(t.Context(), "v2", gateway.ConnectRequest{}, &client{})
	var refused *gateway.ConnectError
	if !errors.As(err, &refused) || refused.Status != 403 {
		t.Fatal(err)
	}
}

func TestMistakesInConfig(t *testing.T) {
	for want, spoil := range map[string]func(*gateway.Config){
		"Invoke is nil": func(c *gateway.Config) { c.Invoke = nil },
		"negative":      func(c *gateway.Config) { c.FrameLimit = -1 },
		"path segment":  func(c *gateway.Config) { c.Stages = []string{"a/b"} },
		"begin with $":  func(c *gateway.Config) { c.Routes["$x"] = gateway.Route{Function: "f"} },
		"no function":   func(c *gateway.Config) { c.Routes["x"] = gateway.Route{} },
	} {
		_, config := newAPI(handlers{})
		spoil(&config)
		_, err := gateway.New(config).Connect(t.Context(), "v0", gateway.ConnectRequest{}, &client{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// A function sees the values of the context that Connect was called with, but not its end.
func TestConnectContext(t *testing.T) {
	type key struct{}
	_, config := newAPI(handlers{"$connect": func(ctx context.Context, r request) (any, error) {
		if ctx.Value(key{}) != "value" {
			return nil, errors.New("no value")
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return ok(ctx, r)
	}})
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "value"))
	cancel()
	if _, err := gateway.New(config).Connect(ctx, "v0", gateway.ConnectRequest{}, &client{}); err != nil {
		t.Fatal(err)
	}
}

func TestShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var finished bool
		f, config := newAPI(handlers{"tell": func(ctx context.Context, r request) (any, error) {
			time.Sleep(time.Minute / 4)
			finished = ctx.Err() == nil
			return ok(ctx, r)
		}})
		g := gateway.New(config)
		c, tr := connect(t, g)
		_, tr2 := connect(t, g)
		c.Receive([]byte(`{"method":"tell"}`))
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		if !finished {
			t.Error("Close did not wait for a function")
		}
		wantEqual(t, "close", tr.closed()+tr2.closed(), "1001 Going away1001 Going away")
		log := f.log()
		slices.Sort(log)
		wantEqual(t, "invocations", log, []string{"CONNECT $connect", "CONNECT $connect", "DISCONNECT $disconnect", "DISCONNECT $disconnect", "MESSAGE tell"})
		_, err := g.Connect(t.Context(), "v0", gateway.ConnectRequest{}, tr)
		var refused *gateway.ConnectError
		if !errors.As(err, &refused) || refused.Status != 503 {
			t.Error(err)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A connection that Shutdown overtakes in its $connect is refused, and ended for the functions.
func TestShutdownDuringConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, config := newAPI(handlers{"$connect": func(ctx context.Context, r request) (any, error) {
			time.Sleep(time.Second)
			return ok(ctx, r)
		}})
		g := gateway.New(config)
		refused := make(chan error, 1)
		go func() {
			_, err := g.Connect(t.Context(), "v0", gateway.ConnectRequest{}, &client{})
			refused <- err
		}()
		synctest.Wait()
		if err := g.Close(); err != nil {
			t.Fatal(err)
		}
		var e *gateway.ConnectError
		if err := <-refused; !errors.As(err, &e) || e.Status != 503 {
			t.Error(err)
		}
		wantEqual(t, "invocations", f.log(), []string{"CONNECT $connect", "DISCONNECT $disconnect"})
	})
}

func TestShutdownGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, config := newAPI(handlers{"tell": func(ctx context.Context, _ request) (any, error) { <-ctx.Done(); return nil, ctx.Err() }})
		g := gateway.New(config)
		c, _ := connect(t, g)
		c.Receive([]byte(`{"method":"tell"}`))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if err := g.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != time.Second {
			t.Fatal(err, time.Since(start))
		}
		// The bubble ends only if the function was cancelled.
	})
}

// With Delay, posts overtake one another, in an order that the seed decides.
func TestDelay(t *testing.T) {
	run := func(seed uint64) string {
		var got string
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			_, config := newAPI(handlers{})
			config.Delay = func(string) time.Duration { return time.Duration(r.IntN(1000)) * time.Millisecond }
			g := gateway.New(config)
			c, tr := connect(t, g)
			m := inProcess(g, "v0")
			for _, data := range []string{"a", "b", "c", "d", "e"} {
				if err := post(t, m, c.ID(), data); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Second)
			synctest.Wait()
			got = strings.Join(tr.received(), "")
			if err := post(t, m, c.ID(), "late"); err != nil {
				t.Fatal(err)
			}
			c.Closed(1000, "")
			time.Sleep(time.Second)
			synctest.Wait()
			wantEqual(t, "messages after the end", len(tr.received()), 5)
		})
		return got
	}
	one, two := run(1), run(2)
	if one != run(1) || two != run(2) || one == two || len(one) != 5 || one == "abcde" && two == "abcde" {
		t.Fatalf("%q %q", one, two)
	}
}
