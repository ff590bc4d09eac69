package jsonrpc_test

import (
	"math"
	"testing"

	"nexus/pkg/jsonrpc"
)

// TestOptBound: a number that says how much is cut at what 64 bits hold, where OptInt refuses it.
func TestOptBound(t *testing.T) {
	for text, want := range map[string]int64{
		`5`: 5, `-1.0`: -1, `1e2`: 100, `9223372036854775807`: math.MaxInt64, `9223372036854775808`: math.MaxInt64, `1e19`: math.MaxInt64,
		`1e400`: math.MaxInt64, `-9223372036854775809`: math.MinInt64, `-1e400`: math.MinInt64, `null`: 7,
		`1000000000000000000000000000000000000000000000000000000000000000000000000000000000`: math.MaxInt64,
	} {
		p := jsonrpc.ReadParams([]byte(`{"n":` + text + `}`))
		if got := p.OptBound("n", 7); got != want || p.Err() != nil {
			t.Errorf("%s: %d %v, want %d", text, got, p.Err(), want)
		}
	}
	for _, text := range []string{`1.5`, `1e-400`, `-0.5`, `"5"`, `true`, `[5]`, `{}`} {
		p := jsonrpc.ReadParams([]byte(`{"n":` + text + `}`))
		if p.OptBound("n", 7); p.Err() == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
