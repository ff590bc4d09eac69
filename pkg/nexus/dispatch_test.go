package nexus_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/nexus"
)

// A call that its function's time was not enough for is answered: a client waits for an answer for ever. That time is the machine's: the bus' clock,
// here, is years ahead.
func TestACallWithoutTimeIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := harness.New(t)
		c := h.Connect()
		origin := nexus.Origin{Stage: nexus.V1, ConnectionID: strings.TrimPrefix(c.Connid, h.Connid("")), Request: "r"}
		for _, test := range []struct {
			left time.Duration
			want string
		}{
			{nexus.FunctionTimeout, `{"jsonrpc":"2.0","id":1,"result":{"ok":true,"watchdog":90}}`},
			{time.Second, `{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error"}}`},
		} {
			ctx, stop := context.WithTimeout(t.Context(), test.left)
			err := h.Bus.Message(ctx, origin, []byte(`{"id":1,"method":"sys.watchdog"}`))
			stop()
			if got := c.Got(); !slices.Equal(got, []string{test.want}) {
				t.Errorf("with %v: %q, %v", test.left, got, err)
			}
		}
	})
}
