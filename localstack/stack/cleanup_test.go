package stack_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/stack"
)

// TestTheEndOfASessionWithManyPulls: they are gone within a few seconds, where each request takes its time.
func TestTheEndOfASessionWithManyPulls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const pulls = 10_000
		s := start(t, stack.Config{Chances: ordered(), Wire: taking})
		p, other := connect(t, s), connect(t, s)
		for range pulls {
			p.send(`"task.pull","params":{"prefix":"many"}`)
			<-time.After(time.Millisecond)
		}
		<-time.After(time.Second)
		began := time.Now()
		p.conn.Closed(1000, "")
		for !strings.Contains(other.ask(`"task.count","params":{"prefix":"many"}`), `"pullCount":0`) {
			if time.Since(began) > time.Minute {
				t.Fatal("they are still there")
			}
		}
		t.Logf("%d pulls were gone after %s", pulls, time.Since(began))
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
