package harness_test

import (
	"context"
	"errors"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
)

// TestCalls: what a call's caller is told, in short.
func TestCalls(t *testing.T) {
	read := func(p *jsonrpc.Params) string { return p.String("name") }
	run := func(_ context.Context, _ *call.Call, name string) (jsonrpc.Outcome, error) {
		switch name {
		case "late":
			return "", call.Recorded(errors.New("no network"))
		case "lost":
			return "", errors.New("no network")
		case "posted":
			return "", nil
		}
		return jsonrpc.OK, nil
	}
	for params, want := range map[string]string{
		`{"name":"ana"}`: `{"ok":true}`, `{"name":"posted"}`: "", `{"name":"late"}`: "recorded", `{"name":"lost"}`: "unknown",
		`{}`: "-32602 Invalid params:[name]",
	} {
		if got := harness.Answer(harness.Call(t.Context(), &call.Call{}, params, read, run)); got != want {
			t.Errorf("%s: %q, want %q", params, got, want)
		}
	}
	if got := harness.Detail(read)(`{}`) + harness.Detail(read)(`{"name":"ana"}`); got != "name" {
		t.Errorf("refused for %q", got)
	}
	for message, want := range map[string]string{
		`{"jsonrpc":"2.0","id":7,"result":{"ok":true}}`:              `7 {"ok":true}`,
		`{"jsonrpc":"2.0","id":"a","error":{"code":1,"message":""}}`: `"a" error {"code":1,"message":""}`,
		`hello`: `hello`,
	} {
		if got := harness.Brief(message); got != want {
			t.Errorf("%s: %q, want %q", message, got, want)
		}
	}
}
