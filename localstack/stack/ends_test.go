package stack_test

import (
	"context"
	"fmt"
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

// late returns what holds back the next invocation of a function but those of connections' beginnings and ends, for a second.
func late(held *atomic.Bool) func(next stack.Invoke) stack.Invoke {
	return func(next stack.Invoke) stack.Invoke {
		return func(ctx context.Context, function string, payload []byte) ([]byte, error) {
			if function != nexus.FunctionConnection && function != nexus.FunctionTimer && function != nexus.FunctionStream && held.Load() {
				if err := transcript.Sleep(context.WithoutCancel(ctx), time.Second); err != nil {
					return nil, err
				}
			}
			return next(ctx, function, payload)
		}
	}
}

// TestSentThenClosedAtOnce: what API Gateway took before a client left is carried out, though $disconnect was faster, if it makes sense without the client; what a
// kicked session sends afterwards is not.
func TestSentThenClosedAtOnce(t *testing.T) {
	for _, how := range []string{"closes", "is kicked"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var held atomic.Bool
				s := start(t, stack.Config{Chances: ordered(), Invoke: late(&held)})
				leaver, other := connect(t, s), connect(t, s)
				pipe, heard := other.pipe(), other.pipe()
				other.ask(fmt.Sprintf(`"topic.sub","params":{"pipeid":%q,"topic":"news"}`, heard))
				pushed := other.send(`"task.push","params":{"method":"t.work","params":null}`)
				_, taskid, _ := strings.Cut(leaver.ask(`"task.pull","params":{"prefix":"t"}`), `"taskid":"`)
				taskid, _, _ = strings.Cut(taskid, `"`)
				_, connid, _ := strings.Cut(leaver.ask(`"sys.login","params":{"user":"root","pass":"root"}`), `"connid":"`)
				connid, _, _ = strings.Cut(connid, `"`)
				if how == "is kicked" {
					other.ask(fmt.Sprintf(`"sys.session.kick","params":{"connid":%q}`, connid))
					<-time.After(10 * time.Millisecond)
				}
				sent := []string{
					`"task.push","params":{"method":"d.detached","params":1,"detached":true}`,
					`"task.push","params":{"method":"d.bound","params":2}`,
					fmt.Sprintf(`"pipe.write","params":{"pipeid":%q,"msg":"written"}`, pipe),
					`"topic.pub","params":{"topic":"news","msg":"published"}`,
					`"user.create","params":{"user":"late","pass":"late"}`,
					fmt.Sprintf(`"task.result","params":{"taskid":%q,"result":"worked"}`, taskid),
				}
				held.Store(true)
				for n, text := range sent {
					message := fmt.Sprintf(`{"id":%d,"method":%s}`, 100+n, text)
					if how == "closes" {
						leaver.conn.Receive([]byte(message))
					} else { // API Gateway took it when the connection was being closed
						invokeLate(t, s, leaver, text, message)
					}
				}
				leaver.conn.Closed(1000, "")
				held.Store(false)
				<-time.After(5 * time.Second)
				carriedOut := how == "closes"
				for what, got := range map[string]string{
					"written":    other.ask(fmt.Sprintf(`"pipe.read","params":{"pipeid":%q,"timeout":0.1}`, pipe)),
					"published":  other.ask(fmt.Sprintf(`"pipe.read","params":{"pipeid":%q,"timeout":3}`, heard)),
					"d.detached": other.ask(`"task.list","params":{"prefix":"d"}`),
					`"late"`:     other.ask(`"user.list"`),
					"worked":     other.said(pushed),
				} {
					name := strings.TrimPrefix(what, "d.")
					if strings.Contains(got, name) != carriedOut {
						t.Errorf("%s: carried out %t, want %t\n%s", what, !carriedOut, carriedOut, got)
					}
				}
				if list := other.ask(`"task.list","params":{"prefix":"d"}`); strings.Contains(list, "bound") {
					t.Error("a push that is not detached outlived its session: " + list)
				}
			})
		})
	}
}

// invokeLate has a message of a client arrive that API Gateway took when the connection was there no more, or about to go.
func invokeLate(t *testing.T, s *stack.Stack, p *person, text, message string) {
	t.Helper()
	method, _, _ := strings.Cut(strings.TrimPrefix(text, `"`), `"`)
	payload := fmt.Sprintf(`{"requestContext":{"routeKey":%q,"eventType":"MESSAGE","stage":"v1","requestTimeEpoch":%d,"requestId":"late-%s",
		"identity":{"sourceIp":"192.0.2.7"},"connectionId":%q},"body":%q,"isBase64Encoded":false}`, method, time.Now().UnixMilli(), method, p.conn.ID(), message)
	if _, err := s.Invoke(t.Context(), s.Routes[method].Function, []byte(payload)); err != nil {
		t.Error(err)
	}
}

// TestAWrong410LeavesNoZombie: a post that met 410 though its connection is there ends the session, and the connection with it; where closing met 410 too, the next
// message that needs the session closes it, and a client that only pings is closed by the clean-up a minute later.
func TestAWrong410LeavesNoZombie(t *testing.T) {
	for name, test := range map[string]struct {
		wrong  int // requests to @connections that are answered 410
		does   string
		within time.Duration
	}{
		"closed at once":         {1, `"sys.ping"`, 100 * time.Millisecond},
		"closed by a message":    {2, `"task.list"`, 2 * time.Second},
		"closed by the clean-up": {2, `"sys.ping"`, 7 * time.Second},
		"… and by the next":      {3, `"sys.ping"`, 62 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var wrong atomic.Int64
				s := start(t, stack.Config{Chances: ordered(), Wire: func(next http.RoundTripper) http.RoundTripper {
					return roundTrip(func(r *http.Request) (*http.Response, error) {
						if strings.Contains(r.URL.Path, "/@connections/") && wrong.Add(-1) >= 0 {
							r = r.Clone(r.Context())
							r.URL.Path, r.URL.RawPath = "/v1/@connections/nobody=", "/v1/@connections/nobody%3D"
						}
						return next.RoundTrip(r)
					})
				}})
				p := connect(t, s)
				wrong.Store(int64(test.wrong))
				p.send(`"sys.ping"`)
				began := time.Now()
				for range 100 {
					if <-time.After(time.Second / 2); !p.open() {
						break
					}
					if time.Since(began) > time.Second {
						p.send(test.does)
					}
				}
				if p.open() || p.closed.Sub(began) > test.within {
					t.Errorf("closed after %s, open %t", p.closed.Sub(began), p.open())
				}
			})
		})
	}
}

// TestOneResultTooBigEndsOneWorker: a worker whose connection API Gateway closes for a result that is too big ends its task with an error that says so,
// whoever learns of the end first, and no other worker meets the same.
func TestOneResultTooBigEndsOneWorker(t *testing.T) {
	for _, first := range []string{"$disconnect", "a kick, and then $disconnect"} {
		t.Run(first, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var delay atomic.Bool
				s := start(t, stack.Config{Chances: ordered(), Invoke: func(next stack.Invoke) stack.Invoke {
					return func(ctx context.Context, function string, payload []byte) ([]byte, error) {
						if strings.Contains(string(payload), `"DISCONNECT"`) && delay.Load() {
							if err := transcript.Sleep(context.WithoutCancel(ctx), 2*time.Second); err != nil {
								return nil, err
							}
						}
						return next(ctx, function, payload)
					}
				}})
				pusher, worker, next := connect(t, s), connect(t, s), connect(t, s)
				pushed := pusher.send(`"task.push","params":{"method":"t.work","params":null}`)
				_, connid, _ := strings.Cut(worker.ask(`"sys.login","params":{"user":"root","pass":"root"}`), `"connid":"`)
				connid, _, _ = strings.Cut(connid, `"`)
				worker.ask(`"task.pull","params":{"prefix":"t"}`)
				waits := next.send(`"task.pull","params":{"prefix":"t"}`)
				<-time.After(time.Second)
				delay.Store(first != "$disconnect")
				began := time.Now()
				worker.conn.Receive([]byte(`{"id":9,"method":"task.result","params":{"result":"` + strings.Repeat("x", 130<<10) + `"}}`))
				if first != "$disconnect" {
					pusher.ask(fmt.Sprintf(`"sys.session.kick","params":{"connid":%q}`, connid))
				}
				<-time.After(10 * time.Second)
				text := pusher.said(pushed)
				if !strings.Contains(text, `"code":-32012`) || !strings.Contains(text, "over 32 KB") || pusher.answered(pushed).Sub(began) > 3*time.Second {
					t.Errorf("after %s: %s", pusher.answered(pushed).Sub(began), text)
				}
				if first == "$disconnect" && !next.answered(waits).IsZero() {
					t.Error("the task was handed on: " + next.said(waits))
				}
				if list := pusher.ask(`"task.count","params":{"prefix":"t"}`); strings.Contains(list, `"pushCount":1`) {
					t.Error(list)
				}
			})
		})
	}
}
