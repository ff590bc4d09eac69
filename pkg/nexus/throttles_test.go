package nexus_test

import (
	"testing"

	"nexus/pkg/nexus"
)

// Each route has a throttle; those of strangers are low, none exceeds what a deployment says for all, and the end of a connection is not refused.
func TestThrottles(t *testing.T) {
	for _, rest := range []nexus.Throttle{nexus.DefaultThrottle(), {Rate: 10, Burst: 5}, {Rate: 10_000, Burst: 5_000}} {
		all := nexus.Throttles(rest)
		if len(all) != len(nexus.Routes()) {
			t.Errorf("%d throttles of %d routes", len(all), len(nexus.Routes()))
		}
		for key, got := range all {
			switch {
			case key == "$disconnect":
				if got != (nexus.Throttle{Rate: 10_000, Burst: 5_000}) {
					t.Errorf("$disconnect: %+v", got)
				}
			case got.Rate > rest.Rate, got.Burst > rest.Burst, got.Rate <= 0, got.Burst <= 0:
				t.Errorf("%s: %+v, with %+v for all", key, got, rest)
			}
		}
		for _, key := range []string{"$connect", "$default", "pipe.create", "sys.login"} {
			if got := all[key]; got.Rate > 50 || got.Burst > 200 {
				t.Errorf("%s: %+v", key, got)
			}
		}
		if got := all["task.push"]; got != rest {
			t.Errorf("task.push: %+v, want %+v", got, rest)
		}
	}
}
