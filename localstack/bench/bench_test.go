package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
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

	mu     sync.Mutex
	users  map[string]bool
	open   map[string]int       // sessions, by user
	most   int                  // that a user had, root aside
	pulls  map[string][]reply   // by path
	tasks  map[string][]request // by path
	pushes map[string]reply     // by task
	pipes  map[string]*fakePipe // by id
	topics map[string][]string  // pipes, by topic
	lost   int                  // a publication that does not arrive, counted from 1
	fails  string               // a method that answers an error
}

type request struct {
	ID     json.RawMessage
	Method string
	Params struct {
		User, Prefix, Method, TaskID, PipeID, Topic string
		ID                                          json.RawMessage
		Result, Msg                                 json.RawMessage
	}
	reply reply
}

// fakePipe holds messages that nobody read, or the read that waits for one.
type fakePipe struct {
	messages []string
	read     reply
}

func (p *fakePipe) write(msg string) {
	p.messages = append(p.messages, `{"msg":`+msg+`}`)
	p.deliver()
}

func (p *fakePipe) deliver() {
	if p.read != nil && len(p.messages) > 0 {
		p.read(`"result":{"msgs":[` + strings.Join(p.messages, ",") + `]}`)
		p.read, p.messages = nil, nil
	}
}

type reply func(outcome string)

func (b *fakeBus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	ctx := context.Background()
	user := ""
	for {
		_, text, err := conn.Read(ctx)
		if err != nil {
			b.mu.Lock()
			b.open[user]--
			b.mu.Unlock()
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
		if req.Method == "sys.login" {
			user = req.Params.User
		}
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
		b.open[r.Params.User]++
		if r.Params.User != "root" {
			b.most = max(b.most, b.open[r.Params.User])
		}
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
	case "pipe.create":
		id := "pipe" + strconv.Itoa(len(b.pipes))
		b.pipes[id] = &fakePipe{}
		r.reply(`"result":{"pipeid":"` + id + `"}`)
		return
	case "pipe.read":
		b.pipes[r.Params.PipeID].read = r.reply
		b.pipes[r.Params.PipeID].deliver()
		return
	case "pipe.write":
		b.pipes[r.Params.PipeID].write(string(r.Params.Msg))
	case "pipe.close":
		b.pipes[r.Params.PipeID] = nil
	case "topic.sub":
		b.topics[r.Params.Topic] = append(b.topics[r.Params.Topic], r.Params.PipeID)
	case "topic.pub":
		if b.lost--; b.lost == 0 {
			break
		}
		for _, id := range b.topics[r.Params.Topic] {
			b.pipes[id].write(`{"topic":"` + r.Params.Topic + `","msg":` + string(r.Params.Msg) + `}`)
		}
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

func newFakeBus() *fakeBus {
	return &fakeBus{conns: make(chan net.Conn), users: map[string]bool{}, open: map[string]int{}, pulls: map[string][]reply{},
		tasks: map[string][]request{}, pushes: map[string]reply{}, pipes: map[string]*fakePipe{}, topics: map[string][]string{}}
}

// measured runs a measurement of the fake bus.
func (b *fakeBus) measured(t *testing.T, only string, counts, subscribers []int) ([]result, error) {
	server := &http.Server{Handler: b}
	go server.Serve(b)
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		b.conns <- theirs
		return ours, nil
	}}
	m := &bench{bus: func(context.Context) (string, func(), error) { return "ws://bus/v0", func() {}, nil }, user: "root", pass: "root",
		warm: 200 * time.Millisecond, last: time.Second, only: regexp.MustCompile(only), http: &http.Client{Transport: transport}}
	results, err := m.run(t.Context(), counts, subscribers)
	close(b.conns)
	server.Close()
	return results, err
}

func TestMeasurement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBus()
		results, err := b.measured(t, "", []int{1, 11}, []int{1, 20})
		if err != nil {
			t.Fatal(err)
		}
		// A request takes 10 ms. A round trip of a task is two: the push, whose pull waits already, and the result. So are lock and unlock.
		type row struct {
			scenario string
			number   int
			p50      float64
			each     float64 // per second, of each pair or subscriber
		}
		var want []row
		for _, n := range []int{1, 11} {
			want = append(want, row{"pings", n, 10, 100}, row{"tasks, a prefix each", n, 20, 50}, row{"tasks, one prefix", n, 20, 50},
				row{"pipe messages", n, 10, 100}, row{"lock pairs", n, 20, 50}, row{"logins", n, 10, 100})
		}
		want = append(want, row{"topic deliveries", 1, 10, 100}, row{"topic deliveries", 20, 10, 100})
		if len(results) != len(want) {
			t.Fatalf("%d results", len(results))
		}
		for i, want := range want {
			r := results[i]
			rate := float64(want.number) * want.each
			if r.Scenario != want.scenario || r.Number != want.number || r.P50 != want.p50 || r.Rate > rate || r.Rate < rate*0.97 {
				t.Errorf("%+v, expected %+v", r, want)
			}
		}
		if len(b.users) != 0 {
			t.Errorf("left %v", b.users)
		}
		for id, p := range b.pipes {
			if p != nil {
				t.Errorf("left the pipe %s", id)
			}
		}
		if b.most > 50 {
			t.Errorf("%d sessions of one user", b.most)
		}
	})
}

func TestMeasurementOfSome(t *testing.T) {
	for only, want := range map[string]int{"^tasks": 2, "pi": 3, "deliveries": 1, "no such": 0} {
		synctest.Test(t, func(t *testing.T) {
			results, err := newFakeBus().measured(t, only, []int{1}, []int{1})
			if err != nil || len(results) != want {
				t.Errorf("%s: %v %v", only, results, err)
			}
		})
	}
}

func TestMeasurementThatFails(t *testing.T) {
	for _, c := range []struct{ method, only, says string }{
		{"sys.login", "", "login as root"},
		{"user.create", "", "user.create"},
		{"user.setTags", "", "user.setTags"},
		{"sys.ping", "pings", "pings, pair 0"},
		{"task.push", "tasks", "tasks, a prefix each, pair 0"},
		{"task.pull", "tasks", "tasks, a prefix each, worker 0"},
		{"task.result", "tasks", "tasks, a prefix each, worker 0"},
		{"pipe.create", "pipe", "pipe messages, pair 0"},
		{"pipe.write", "pipe", "pipe messages, pair 0"},
		{"pipe.read", "pipe", "pipe messages, worker 0"},
		{"pipe.close", "pipe", "pipe messages, end of pair 0"},
		{"sync.lock", "lock", "lock pairs, pair 0"},
		{"sync.unlock", "lock", "lock pairs, pair 0"},
		{"topic.sub", "topic", "topic deliveries, subscriber 0"},
		{"topic.pub", "topic", "topic deliveries, publisher: publication 0"},
	} {
		t.Run(c.method, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newFakeBus()
				b.fails = c.method
				_, err := b.measured(t, c.only, []int{1}, []int{1})
				if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "Internal error") {
					t.Errorf("%v, expected %q", err, c.says)
				}
				if len(b.users) != 0 {
					t.Errorf("left %v", b.users)
				}
			})
		})
	}
}

// A publication that is lost is no fast one.
func TestLostPublication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBus()
		b.lost = 7
		_, err := b.measured(t, deliveries, []int{1}, []int{3})
		if err == nil || !strings.Contains(err.Error(), "publication 7 came where 6 should") {
			t.Error(err)
		}
	})
}

// The stage v0 answers a lock that another holds without an error.
func TestGranted(t *testing.T) {
	for text, ok := range map[string]bool{`{"ok":true,"fence":7}`: true, `{"ok":false}`: false, `"yes"`: false} {
		if err := json.Unmarshal([]byte(text), &granted{}); (err == nil) != ok {
			t.Errorf("%s: %v", text, err)
		}
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
	if r := summarize("pings", 7, time.Second, nil); r != (result{Scenario: "pings", Number: 7}) {
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
		"-pairs 0":       `"0" is no number`,
		"-pairs 1,x":     `"x" is no number`,
		"-for 0s":        "-for 0s",
		"-warm -1s":      "-warm -1s",
		"more":           `unexpected argument "more"`,
		"-only (":        "-only: ",
		"-only nosuch":   "no scenario's name matches",
		"-subscribers 0": `-subscribers: "0" is no number`,
	} {
		if err := run(t.Context(), strings.Fields(args)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, expected %q", args, err, says)
		}
	}
	if err := run(t.Context(), []string{"-nosuch"}); !errors.Is(err, flag.ErrHelp) {
		t.Error(err)
	}
}
