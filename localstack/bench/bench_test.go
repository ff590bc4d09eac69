package main

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
)

// fakeBus knows what the measurement calls. It takes ten milliseconds for each request; in a bubble exactly that.
type fakeBus struct {
	conns chan net.Conn

	mu       sync.Mutex
	users    map[string]bool
	sessions map[string]int       // by user
	pulls    map[string][]reply   // by path
	tasks    map[string][]request // by path
	pushes   map[string]reply     // by task
	fails    string               // a method that answers an error
}

type request struct {
	ID     json.RawMessage
	Method string
	Params struct {
		User, Prefix, Method, TaskID string
		ID                           json.RawMessage
		Result                       json.RawMessage
	}
	reply reply
}

type reply func(outcome string)

func (b *fakeBus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	ctx := context.Background()
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			return
		}
		var req request
		if json.Unmarshal(text, &req) != nil {
			return
		}
		req.reply = func(outcome string) {
			message := `{"jsonrpc":"2.0","id":` + string(req.ID) + `,` + outcome + `}`
			_ = conn.Write(ctx, websocket.MessageText, []byte(message)) // a connection that is gone wants none
		}
		<-time.After(10 * time.Millisecond)
		b.call(req)
	}
}

func (b *fakeBus) call(r request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.Method == b.fails {
		r.reply(`"error":{"code":-32603,"message":"Internal error"}`)
		return
	}
	path := r.Params.Prefix
	switch r.Method {
	case "user.create":
		b.users[r.Params.User] = true
	case "user.delete":
		delete(b.users, r.Params.User)
	case "sys.login":
		b.sessions[r.Params.User]++
	case "task.push":
		path = strings.TrimSuffix(r.Params.Method, ".add")
		b.tasks[path] = append(b.tasks[path], r)
		b.pair(path)
		return
	case "task.pull":
		b.pulls[path] = append(b.pulls[path], r.reply)
		b.pair(path)
		return
	case "task.cancel":
		for _, waiting := range b.pulls { // every one: only workers at the end of a measurement cancel
			for _, pull := range waiting {
				pull(`"error":{"code":-32001,"message":"Cancel"}`)
			}
		}
		clear(b.pulls)
		return
	case "task.result":
		b.pushes[r.Params.TaskID](`"result":` + string(r.Params.Result))
		delete(b.pushes, r.Params.TaskID)
	}
	r.reply(`"result":{"ok":true}`)
}

func (b *fakeBus) pair(path string) {
	if len(b.pulls[path]) == 0 || len(b.tasks[path]) == 0 {
		return
	}
	pull, task := b.pulls[path][0], b.tasks[path][0]
	b.pulls[path], b.tasks[path] = b.pulls[path][1:], b.tasks[path][1:]
	id := path + "/" + string(task.ID)
	for b.pushes[id] != nil { // pushers that share a prefix count their ids alike
		id += "'"
	}
	b.pushes[id] = task.reply
	pull(`"result":{"taskid":"` + id + `"}`)
}

// Accept implements net.Listener, in memory.
func (b *fakeBus) Accept() (net.Conn, error) {
	conn, ok := <-b.conns
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

// Close implements net.Listener.
func (b *fakeBus) Close() error { return nil }

// Addr implements net.Listener.
func (b *fakeBus) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// measured runs a measurement of a fake bus.
func measured(t *testing.T, counts []int, fails string) (*fakeBus, []result, error) {
	b := &fakeBus{conns: make(chan net.Conn), users: map[string]bool{}, sessions: map[string]int{}, pulls: map[string][]reply{},
		tasks: map[string][]request{}, pushes: map[string]reply{}, fails: fails}
	server := &http.Server{Handler: b}
	go server.Serve(b)
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		b.conns <- theirs
		return ours, nil
	}}
	m := &bench{url: "ws://bus/v0", user: "root", pass: "root", warm: 500 * time.Millisecond, last: 2 * time.Second,
		http: &http.Client{Transport: transport}}
	results, err := m.run(t.Context(), counts)
	close(b.conns)
	server.Close()
	return b, results, err
}

func TestMeasurement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, results, err := measured(t, []int{1, 21}, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(results) != 6 {
			t.Fatalf("%d results", len(results))
		}
		// A ping takes 10 ms, a round trip twice that: the push, whose pull waits already, and the result.
		for i, want := range []struct {
			scenario string
			pairs    int
			p50      float64
		}{{"pings", 1, 10}, {"tasks, a prefix each", 1, 20}, {"tasks, one prefix", 1, 20},
			{"pings", 21, 10}, {"tasks, a prefix each", 21, 20}, {"tasks, one prefix", 21, 20}} {
			r := results[i]
			rate := float64(want.pairs) * 1000 / want.p50
			if r.Scenario != want.scenario || r.Pairs != want.pairs || r.P50 != want.p50 || r.Rate > rate || r.Rate < rate*0.98 {
				t.Errorf("%+v, expected %+v", r, want)
			}
		}
		if len(b.users) != 0 {
			t.Errorf("left %v", b.users)
		}
		for user, n := range b.sessions {
			if n > 50 {
				t.Errorf("%d sessions of %s", n, user)
			}
		}
	})
}

func TestMeasurementThatFails(t *testing.T) {
	for method, says := range map[string]string{
		"sys.login":   "login as root",
		"user.create": "user.create",
		"sys.ping":    "pings, pair 0",
		"task.push":   "tasks, a prefix each, pair 0",
		"task.pull":   "tasks, a prefix each, worker 0",
		"task.result": "tasks, a prefix each, worker 0",
	} {
		t.Run(method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, _, err := measured(t, []int{1}, method)
				if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "Internal error") {
					t.Errorf("%v, expected %q", err, says)
				}
				if len(b.users) != 0 {
					t.Errorf("left %v", b.users)
				}
			})
		})
	}
}

func TestSummarize(t *testing.T) {
	var times []time.Duration
	for i := 200; i > 0; i-- {
		times = append(times, time.Duration(i)*time.Millisecond)
	}
	r := summarize("tasks, a prefix each", 16, 4*time.Second, times)
	if want := (result{"tasks, a prefix each", 16, 50, 100, 198, 92, 164, 50.0 / 92}); r != want {
		t.Errorf("%+v, expected %+v", r, want)
	}
	if r := summarize("pings", 7, time.Second, nil); r != (result{Scenario: "pings", Pairs: 7}) {
		t.Errorf("%+v", r)
	}
	if p := percentile([]time.Duration{time.Millisecond}, 99); p != 1 {
		t.Errorf("p99 of one is %v", p)
	}
}

func TestTable(t *testing.T) {
	var out strings.Builder
	results := []result{{"pings", 1, 6000, 0.154, 0.4, 4500, 0, 1.3333}, {"tasks, one prefix", 2, 700, 1, 2, 0, 0, 0}}
	if err := printTable(&out, results); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !slices.Equal(strings.Fields(lines[1]), []string{"pings", "1", "6000", "0.15", "0.40", "4500", "1.3×"}) ||
		!slices.Equal(strings.Fields(lines[2]), []string{"tasks,", "one", "prefix", "2", "700", "1.00", "2.00"}) {
		t.Errorf("%s", out.String())
	}
	out.Reset()
	if err := printJSON(&out, results); err != nil || !strings.Contains(out.String(), `"nexusRate": 4500`) {
		t.Errorf("%v\n%s", err, out.String())
	}
}

func TestArguments(t *testing.T) {
	for args, says := range map[string]string{
		"-pairs 0":   `"0" is no number`,
		"-pairs 1,x": `"x" is no number`,
		"-for 0s":    "-for 0s",
		"-warm -1s":  "-warm -1s",
		"more":       `unexpected argument "more"`,
	} {
		if err := run(t.Context(), strings.Fields(args)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, expected %q", args, err, says)
		}
	}
}
