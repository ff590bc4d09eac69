package task_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nexus/localstack/harness"
	"nexus/pkg/access"
	"nexus/pkg/jsonrpc"
)

// list lists what params select, and returns the answer.
func (b *bench) list(params string) string {
	b.t.Helper()
	c := &client{Client: &harness.Client{}, b: b, name: "lister"}
	read := func(p *jsonrpc.Params) access.List {
		prefix, err := access.ListPrefix(p.OptString("prefix", ""))
		p.Check("prefix", err)
		l := access.List{Prefix: prefix, Expression: p.OptString("filter", ""), Depth: int(p.OptInt("depth", -1)), Limit: int(p.OptInt("limit", access.DefaultLimit)),
			Named: p.OptInt("limit", 0) > 0, Skip: int(p.OptInt("skip", 0))}
		p.Check("filter", l.Compile())
		return l
	}
	return harness.Answer(harness.Call(b.Context(), c.call("1"), params, read, b.tasks.List))
}

// listed is the listing's paths and methods, a pull's with a method of "".
func (b *bench) listed(params string) []string {
	b.t.Helper()
	var list []struct{ Path, Method string }
	text := b.list(params)
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		b.t.Fatalf("%s: %v", text, err)
	}
	all := make([]string, len(list))
	for n, i := range list {
		all[n] = i.Path + i.Method
	}
	return all
}

// TestListed looks at every member of a task that waits, of one that is worked on, and of a pull.
func TestListed(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	pusher.tags = access.Tags{".": {"n": json.RawMessage("1.50")}}
	b.says(b.list(`{}`), `[]`)
	b.says(pusher.push("7", `{"method":"math.add","params":{"a" : [1.50,"<é>"]},"prio":-3,"ttl":2,"timeout":100}`), "")
	b.says(pusher.push("8", `{"method":"math.mul","params":null,"detach":true}`), "")
	b.says(worker.pull("1", `{"prefix":"text","timeout":50}`), "")
	b.Advance(1500 * time.Millisecond)
	b.says(worker.pull("2", "math"), "")
	b.state()
	b.state()
	want := `[` +
		`{"id":"A-math.","state":"waiting","path":"math.","method":"add","params":{"a" : [1.50,"<é>"]},"prio":-3,"priority":-3,"ttl":2,` +
		`"detached":false,"detach":false,"user":"nobody","session":"pusher","targetSession":"","result":null,"errCode":null,"errString":"","errObject":null,` +
		`"tags":{"n":1.50},"creationTime":"2026-11-23T12:00:00.000Z","workingTime":null,"deadline":"2026-11-23T12:01:40.000Z","deadLine":"2026-11-23T12:01:40.000Z"},` +
		`{"id":"B-math.","state":"working","path":"math.","method":"mul","params":null,"prio":0,"priority":0,"ttl":5,` +
		`"detached":true,"detach":true,"user":"nobody","session":"pusher","targetSession":"worker","result":null,"errCode":null,"errString":"","errObject":null,` +
		`"tags":{"n":1.50},"creationTime":"2026-11-23T12:00:00.000Z","workingTime":"2026-11-23T12:00:01.500Z","deadline":"2026-12-03T12:00:00.000Z","deadLine":"2026-12-03T12:00:00.000Z"},` +
		`{"id":"C-text.","state":"waiting","path":"text.","method":"","params":null,"prio":0,"priority":0,"ttl":0,` +
		`"detached":false,"detach":false,"user":"nobody","session":"","targetSession":"worker","result":null,"errCode":null,"errString":"","errObject":null,` +
		`"tags":null,"creationTime":"2026-11-23T12:00:00.000Z","workingTime":null,"deadline":"2026-11-23T12:00:50.000Z","deadLine":"2026-11-23T12:00:50.000Z"}]`
	if got := b.names.short(b.list(`{}`)); got != want {
		t.Errorf("\n%s\nwant\n%s", got, want)
	}
	b.Advance(100 * time.Second) // what is past its deadline is no more
	if got := b.listed(`{}`); len(got) != 1 || got[0] != "math.mul" {
		t.Errorf("listed %q", got)
	}
	b.says(worker.result("3", "B", "1"), "")
	b.says(b.list(`{}`), `[]`)
}

// TestListSelects by prefix, depth, filter, skip and limit.
func TestListSelects(t *testing.T) {
	b := newBench(t)
	_, pusher := b.pair()
	for _, method := range []string{"single", "a.one", "a.b.one", "a.b.two", "a.b.c.one", "a.bc.one", "b.one", "a-b.one"} {
		b.says(pusher.push("7", method), "")
		b.Advance(time.Millisecond)
	}
	all := []string{".single", "a-b.one", "a.one", "a.b.one", "a.b.two", "a.b.c.one", "a.bc.one", "b.one"}
	for _, test := range []struct {
		params string
		want   []string
	}{
		{`{}`, all},
		{`{"prefix":"."}`, all},
		{`{"prefix":"a"}`, all[2:7]},
		{`{"prefix":"A.."}`, all[2:7]},
		{`{"prefix":"a.b"}`, all[3:6]},
		{`{"prefix":"a.b","depth":0}`, all[3:5]},
		{`{"prefix":"a","depth":1}`, []string{"a.one", "a.b.one", "a.b.two", "a.bc.one"}},
		{`{"depth":0}`, all[:1]},
		{`{"depth":-7}`, all},
		{`{"prefix":"c"}`, nil},
		{`{"filter":"^a.*c"}`, []string{"a.b.c.one", "a.bc.one"}},
		{`{"prefix":"a","filter":"b\\.$"}`, []string{"a.b.one", "a.b.two"}},
		{`{"limit":3}`, all[:3]},
		{`{"limit":3,"skip":2}`, all[2:5]},
		{`{"skip":6}`, all[6:]},
		{`{"skip":60}`, nil},
		{`{"limit":0}`, all},
	} {
		if got := b.listed(test.params); strings.Join(got, " ") != strings.Join(test.want, " ") {
			t.Errorf("%s: %q, want %q", test.params, got, test.want)
		}
	}
}

// TestListCuts the long strings inside params, and nothing else of them.
func TestListCuts(t *testing.T) {
	const most = 10 << 10
	x := long(most)
	for _, test := range []struct{ params, want string }{
		{`"` + x + `"`, `"` + x + `"`},
		{`"` + x + `y"`, `"` + x + `"`},
		{`{"k" : [ "` + x + `yyy", 1.50, "é<" ] }`, `{"k" : [ "` + x + `", 1.50, "é<" ] }`},
		{`["` + x[1:] + `é"]`, `["` + x[1:] + `"]`},
		{`["` + x[2:] + `é!"]`, `["` + x[2:] + `é"]`},
		{`["` + x[3:] + `😀"]`, `["` + x[3:] + `"]`},
		{`["` + strings.Repeat(`\n`, most) + `"]`, `["` + strings.Repeat(`\n`, most) + `"]`},
		{`["` + strings.Repeat(`\n`, most+1) + `"]`, `["` + strings.Repeat(`\n`, most) + `"]`},
		{`["` + strings.Repeat(`\u00e9`, most/2) + `"]`, `["` + strings.Repeat(`\u00e9`, most/2) + `"]`},
		{`["` + strings.Repeat(`\u00e9`, most/2+1) + `"]`, `["` + strings.Repeat(`é`, most/2) + `"]`},
		{`["` + strings.Repeat(`\\\"`, most/2+1) + `","\\","\""]`, `["` + strings.Repeat(`\\\"`, most/2) + `","\\","\""]`},
	} {
		b := newBench(t)
		_, pusher := b.pair()
		b.says(pusher.push("7", `{"method":"a.b","params":`+test.params+`}`), "")
		got := b.list(`{}`)
		if !strings.Contains(got, `,"params":`+test.want+`,"prio"`) || !utf8.ValidString(got) || !json.Valid([]byte(got)) {
			t.Errorf("%s\nis %s", brief(test.params), brief(got))
		}
	}
}

// TestListBound: of a listing that does not fit a message as much comes as fits; who named a limit is asked for a smaller one.
func TestListBound(t *testing.T) {
	b := newBench(t)
	_, pusher := b.pair()
	for n := range 14 {
		b.says(pusher.push(fmt.Sprint(n), `{"method":"a.b","params":["`+long(9<<10)+`"]}`), "")
	}
	b.says(b.list(`{"limit":14}`), "-32602 Invalid params:[limit: the listing does not fit one message, ask for less]")
	for _, unnamed := range []string{`{}`, `{"limit":null}`, `{"limit":0}`, `{"limit":-1}`} {
		if n := len(b.listed(unnamed)); n != 13 {
			t.Errorf("%s: %d of 14 tasks, of which 13 fit", unnamed, n)
		}
	}
	got := b.list(`{"limit":13}`)
	if message := jsonrpc.Answer(json.RawMessage(`"`+long(254)+`"`), jsonrpc.Outcome(got)); len(message) > 128<<10 || len(b.listed(`{"limit":13}`)) != 13 {
		t.Errorf("a message of %d bytes", len(message))
	}
	// To the last byte: 127 KB of tasks, each with its comma.
	b = newBench(t)
	_, pusher = b.pair()
	for n := range 13 {
		b.says(pusher.push(fmt.Sprint(n), `{"method":"a.b","params":["`+long(9<<10)+`"]}`), "")
	}
	b.says(pusher.push("13", `{"method":"a.b","params":""}`), "")
	room := 127<<10 - (len(b.list(`{}`)) - len(`[]`) + 1)
	for _, more := range []int{0, 1} {
		b.state()
		b.says(pusher.cancel("20", b.named("N", "")), "")
		b.says(pusher.push("13", `{"method":"a.b","params":"`+long(room+more)+`"}`), "")
		if got := b.list(`{"limit":14}`); strings.HasPrefix(got, "-32602") != (more > 0) {
			t.Errorf("%d bytes more than fit: %.40s", more, got)
		}
		b.names.of, b.names.count, b.names.items = map[string]string{}, map[string]int{}, nil
	}
}
