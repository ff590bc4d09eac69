package stack_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/stack"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"
)

// lines is a log that notes its lines at INFO and above.
type lines struct {
	mu  sync.Mutex
	all []string
}

// Enabled implements slog.Handler.
func (*lines) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle implements slog.Handler.
func (l *lines) Handle(_ context.Context, r slog.Record) error {
	text := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool {
		text += " " + a.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, text)
	return nil
}

// WithAttrs implements slog.Handler.
func (l *lines) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *lines) WithGroup(string) slog.Handler { return l }

// of returns the lines that hold a text.
func (l *lines) of(text string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var some []string
	for _, line := range l.all {
		if strings.Contains(line, text) {
			some = append(some, line)
		}
	}
	return some
}

// TestAnExceededRateEndsNobody: for two minutes API Gateway answers every request to @connections with 429, or two of three, as it does where an account's rate
// is exceeded. No session ends, and afterwards comes every answer that waited.
func TestAnExceededRateEndsNobody(t *testing.T) {
	for name, taken := range map[string]int64{"every request": 1 << 62, "two of three": 3} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { exceedRate(t, taken) }) })
	}
}

// exceedRate refuses requests to @connections but for one of so many.
func exceedRate(t *testing.T, of int64) {
	var exceeded atomic.Bool
	var refused, asked atomic.Int64
	s := start(t, stack.Config{Chances: ordered(), Adjust: func(set *nexus.Settings) { set.PostLimit = handler.PostLimit },
		Wire: func(next http.RoundTripper) http.RoundTripper {
			next = taking(next)
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				if !strings.Contains(r.URL.Path, "/@connections/") || !exceeded.Load() || asked.Add(1)%of == 0 {
					return next.RoundTrip(r)
				}
				refused.Add(1)
				const body = `{"message":"Rate Exceeded."}`
				return &http.Response{StatusCode: http.StatusTooManyRequests, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
					Header: http.Header{"Content-Type": {"application/json"}, "X-Amzn-Errortype": {"LimitExceededException"}}, ContentLength: int64(len(body)),
					Body: io.NopCloser(bytes.NewReader([]byte(body)))}, nil
			})
		}})
	people := make([]*person, 5)
	for n := range people {
		people[n] = connect(t, s)
		people[n].ask(`"sys.watchdog","params":600`)
	}
	waits := make([][]string, len(people))
	began := time.Now()
	exceeded.Store(true)
	for time.Since(began) < 2*time.Minute {
		for n, p := range people {
			if time.Since(began) < 100*time.Second {
				waits[n] = append(waits[n], p.push("nobody.serves", 5), p.send(fmt.Sprintf(`"task.pull","params":{"prefix":"p%d","timeout":3}`, n)))
			}
			p.send(`"sys.ping"`)
		}
		<-time.After(2 * time.Second)
	}
	if n := refused.Load(); n < 400 {
		t.Errorf("only %d requests were refused", n)
	}
	exceeded.Store(false)
	<-time.After(3 * time.Minute)
	for n, p := range people {
		if !p.open() {
			t.Errorf("the connection of %d was closed after %s", n, p.closed.Sub(began))
			continue
		}
		late := 0
		for _, id := range waits[n] {
			if p.answered(id).IsZero() {
				late++
			}
		}
		if late > 0 {
			t.Errorf("%d of %d answers did not come to %d", late, len(waits[n]), n)
		}
		if got := p.ask(`"task.count","params":{"prefix":"nobody"}`); strings.Contains(got, "error") {
			t.Errorf("the session of %d: %s", n, got)
		}
	}
}

// TestWhoReadsNothingFillsNoLog: 20,000 answers that a client does not read are some lines in the log at INFO and above, one for a connection's end among them.
func TestWhoReadsNothingFillsNoLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		s := start(t, stack.Config{Chances: ordered(), Log: slog.New(log), Adjust: func(set *nexus.Settings) { set.PostLimit = handler.PostLimit }})
		var sent, unread int
		const most = 20_000
		for unread < most && sent < 2*most {
			p, before := connect(t, s), unread // one who is closed comes again
			for range 100 {
				pipe := p.pipe()
				p.ask(fmt.Sprintf(`"topic.sub","params":{"pipeid":%q,"topic":"news"}`, pipe))
				p.send(fmt.Sprintf(`"pipe.read","params":{"pipeid":%q,"max":1}`, pipe))
				p.send(fmt.Sprintf(`"pipe.read","params":{"pipeid":%q,"timeout":1}`, pipe))
				p.send(`"task.pull","params":{"prefix":"unread","timeout":2}`)
			}
			p.stopReading()
			p.send(`"topic.pub","params":{"topic":"news","msg":1}`)
			for ; p.open() && unread < most; sent++ {
				if sent%10 == 0 {
					p.push("nobody.serves", 1)
				} else {
					p.send(`"sys.ping"`)
				}
				if sent%50 == 0 {
					<-time.After(20 * time.Millisecond)
				}
				p.mu.Lock()
				unread = before + p.refused
				p.mu.Unlock()
			}
		}
		<-time.After(10 * time.Second)
		t.Logf("%d sent, %d not taken, %d lines", sent, unread, len(log.all))
		if unread < most {
			t.Errorf("only %d answers were not taken", unread)
		}
		if all := log.of(""); len(all) > 10 {
			t.Errorf("%d lines:\n%s", len(all), strings.Join(all[:10], "\n"))
		}
		if len(log.of("takes nothing and is closed")) == 0 {
			t.Error("no line for the end")
		}
	})
}
