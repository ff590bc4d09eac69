package stack_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/stack"
	"nexus/localstack/transcript"
	"nexus/pkg/nexus"
)

// A new account may have ten executions at a time: Lambda then throttles what reads the queue and the streams, and each time counts as a receipt of
// the queue's messages. Ten minutes of that lose no deadline.
func TestThrottledTimersLoseNoDeadline(t *testing.T) {
	script, err := transcript.Parse("throttled", []byte(`on /v0
client login
client --> {"id":1,"method":"sys.watchdog","params":600}
client <-- {"id":1,"result":{"ok":true,"watchdog":600}}
client --> {"id":2,"method":"task.push","params":{"method":"a.b","params":1,"timeout":20}}
client --> {"id":3,"method":"task.pull","params":{"prefix":"c","timeout":30}}
@ 5m
client <-- nothing
@ 5m
client <-- nothing
@ 90s
client <-- {"id":2,"error":{"code":-32000,"message":"Timeout"}}
client <-- {"id":3,"error":{"code":-32000,"message":"Timeout"}}
`))
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		until := time.Now().Add(10 * time.Minute)
		var throttled atomic.Int64
		s := start(t, stack.Config{Chances: ordered(), Invoke: func(next stack.Invoke) stack.Invoke {
			return func(ctx context.Context, function string, payload []byte) ([]byte, error) {
				if (function == nexus.FunctionTimer || function == nexus.FunctionStream) && time.Now().Before(until) {
					throttled.Add(1)
					return nil, errors.New("TooManyRequestsException: Rate Exceeded.")
				}
				return next(ctx, function, payload)
			}
		}})
		if err := script.Play(t.Context(), &inProcess{s.Gateway}); err != nil {
			t.Error(err)
		}
		if n := throttled.Load(); n < 10 {
			t.Errorf("throttled %d times only", n)
		}
	})
}
