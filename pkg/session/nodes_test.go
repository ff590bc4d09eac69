package session_test

import (
	"fmt"
	"testing"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/store"
)

func (b *bench) nodes(l access.List, load string, clients map[string]int) {
	b.t.Helper()
	var want string
	nodes := b.sessions.Post.Nodes()
	from, to := l.Page(len(nodes))
	for _, node := range nodes[from:to] {
		if want != "" {
			want += ","
		}
		want += fmt.Sprintf(`{"id":"%s","clients":%d,%s,"version":"1.9","listening":true}`, node.ID, clients[node.ID], load)
	}
	if got, err := b.sessions.NodeList(b.ctx, b.call("c"), l, "1.9"); string(got) != `"result":[`+want+`]` || err != nil {
		b.t.Errorf("%s %v, want %s", got, err, want)
	}
}

// loads is how loads are written.
func loads(one, five, fifteen string) string {
	return fmt.Sprintf(`"load1":%[1]s,"load5":%[2]s,"load15":%[3]s,"load":{"load1":%[1]s,"load5":%[2]s,"load15":%[3]s,"Load1":%[1]s,"Load5":%[2]s,"Load15":%[3]s}`,
		one, five, fifteen)
}

func TestNodes(t *testing.T) {
	b := newBench(t)
	one, two := b.Connect().Connid, b.Connect()
	v1 := one[:8]
	nodes := b.sessions.Post.Nodes()
	if len(nodes) != 2 || nodes[0].ID >= nodes[1].ID {
		t.Fatalf("%v", nodes)
	}
	idle := loads("0.00", "0.00", "0.00")
	b.nodes(access.List{}, idle, map[string]int{v1: 2})
	if err := b.sessions.End(b.ctx, two.Connid, false); err != nil {
		t.Fatal(err)
	}
	b.nodes(access.List{}, idle, map[string]int{v1: 1})
	b.nodes(access.List{Limit: 1}, idle, map[string]int{v1: 1})
	b.nodes(access.List{Skip: 1}, idle, map[string]int{v1: 1})
	b.nodes(access.List{Skip: 2}, idle, nil)

	// An environment reports at most once a minute, and writes over what it reported.
	text := "1.50 0.25 0.05 1/100 4711\n"
	b.sessions.LoadAvg = func() string { return text }
	for range 3 {
		b.sessions.ReportLoad(b.ctx)
	}
	if n := b.On("PutItem").With("load15").Count(); n != 1 {
		t.Errorf("%d reports", n)
	}
	b.nodes(access.List{}, loads("1.50", "0.25", "0.05"), map[string]int{v1: 1})
	b.Advance(time.Minute)
	text = "2.50 0.75 0.25 1/100 4711\n"
	b.sessions.ReportLoad(b.ctx)
	b.nodes(access.List{}, loads("2.50", "0.75", "0.25"), map[string]int{v1: 1})

	// Several report: their mean counts, of those that did lately.
	other := store.Item{"id": store.S("load other"), "at": store.Millis(b.Now().Add(-4 * time.Minute)), "load1": store.N(50), "load5": store.N(25), "load15": store.N(75)}
	if _, err := b.DB.Do(b.ctx, store.Write{Table: store.Sessions, Item: other}); err != nil {
		t.Fatal(err)
	}
	b.nodes(access.List{}, loads("1.50", "0.50", "0.50"), map[string]int{v1: 1})
	b.Advance(2 * time.Minute)
	b.nodes(access.List{}, loads("2.50", "0.75", "0.25"), map[string]int{v1: 1})

	// Reports are no sessions.
	if got := in(b.list(access.List{Depth: -1})); got != "nobody:1/1" {
		t.Errorf("sessions %s", got)
	}
	b.kick(b.call("c"), "load", `"result":{"kicked":0}`, anybody)
	if err := b.sessions.Sweep(b.ctx, nil); err != nil {
		t.Error(err)
	}
	if got := len(b.Table(store.Sessions)); got != 4 {
		t.Errorf("%d items, want two sessions and two reports", got)
	}
}

// What is no load is not reported.
func TestNoLoad(t *testing.T) {
	b := newBench(t)
	for _, text := range []string{"", "1 2", "a b c", "-1 0 0", "1e300 0 0", "NaN 0 0"} {
		b.sessions.LoadAvg = func() string { return text }
		b.sessions.ReportLoad(b.ctx)
	}
	b.sessions.LoadAvg = nil
	b.sessions.ReportLoad(b.ctx)
	if n := b.On("PutItem").Count(); n != 0 {
		t.Errorf("%d reports", n)
	}
	b.On("PutItem").Fail(3) // and one that cannot be written is nobody's trouble
	b.sessions.LoadAvg = func() string { return "1 2 3" }
	b.sessions.ReportLoad(b.ctx)
}
