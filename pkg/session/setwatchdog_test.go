package session_test

import (
	"errors"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/session"
)

func TestWatchdog(t *testing.T) {
	b := newBench(t)
	connid := b.Connect().Connid
	watchdog := func(params string) (jsonrpc.Outcome, error) {
		return harness.Call(b.ctx, b.call(connid), params, session.ReadWatchdog, b.sessions.Watchdog)
	}
	for _, test := range []struct{ params, in string }{
		{``, "90"}, {`null`, "90"}, {`[]`, "90"}, {`{}`, "90"}, {`30`, "30"}, {``, "30"}, {`{"watchdog":1.2e2}`, "120"}, {`{"watchdog":null}`, "120"},
		{`9`, "10"}, {`-1`, "10"}, {`{"watchdog":601}`, "600"}, {`-1e30`, "10"}, {`{"watchdog":1e400}`, "600"}, {`1e30`, "600"},
	} {
		got, err := watchdog(test.params)
		if want := jsonrpc.Outcome(`"result":{"ok":true,"watchdog":` + test.in + `}`); got != want || err != nil {
			t.Errorf("%s: %s %v, want %s", test.params, got, err, want)
		}
	}
	after := connid + " live user=nobody owner= tags={} wd=600"
	b.want(after)
	for _, params := range []string{`"30"`, `true`, `[30]`, `30.5`, `{"watchdog":"30"}`, `1e-30`} {
		_, err := watchdog(params)
		b.fails(err, jsonrpc.InvalidParams, "watchdog")
	}
	b.want(after)

	if err := b.sessions.End(b.ctx, connid, true); err != nil {
		t.Fatal(err)
	}
	for _, params := range []string{``, `30`} {
		if _, err := watchdog(params); !errors.Is(err, session.ErrEnded) {
			t.Errorf("%s: %v, want %v", params, err, session.ErrEnded)
		}
	}
}
