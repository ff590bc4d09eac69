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

// endsAt is a context with a deadline of the harness' clock, which never comes by itself.
type endsAt struct {
	context.Context
	end time.Time
}

func (e endsAt) Deadline() (time.Time, bool) { return e.end, true }

// A call that its function's time was not enough for is answered: a client waits for an answer for ever.
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
			err := h.Bus.Message(endsAt{t.Context(), h.Now().Add(test.left)}, origin, []byte(`{"id":1,"method":"sys.watchdog"}`))
			if got := c.Got(); !slices.Equal(got, []string{test.want}) {
				t.Errorf("with %v: %q, %v", test.left, got, err)
			}
		}
	})
}
