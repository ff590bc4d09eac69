package handler_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"nexus/pkg/handler"
	"nexus/pkg/nexus"
)

func environment(changes map[string]string) func(string) string {
	env := map[string]string{
		handler.EnvTablePrefix: "bus-",
		handler.EnvQueueURL:    "https://sqs.us-east-1.amazonaws.com/123456789012/timer",
		handler.EnvDeadLetters: "https://sqs.us-east-1.amazonaws.com/123456789012/dead-letters",
		handler.EnvCallbackV0:  "https://abcdef1234.execute-api.us-east-1.amazonaws.com/v0",
		handler.EnvCallbackV1:  "https://abcdef1234.execute-api.us-east-1.amazonaws.com/v1",
	}
	maps.Copy(env, changes)
	return func(name string) string { return env[name] }
}

func TestSettings(t *testing.T) {
	set, err := handler.Settings(environment(map[string]string{handler.EnvShards: "a.b.=4,C.=100", handler.EnvFanoutRate: "10000",
		handler.EnvLoginWithin: "900", handler.EnvLoginTasks: "100000", handler.EnvAccess: "closed",
		handler.EnvPipes: "10000", handler.EnvUnread: "12288000000", handler.EnvReads: "1", handler.EnvLogLevel: "WARN"}))
	if err != nil {
		t.Fatal(err)
	}
	if set.TablePrefix != "bus-" || set.QueueURL != "https://sqs.us-east-1.amazonaws.com/123456789012/timer" ||
		!maps.Equal(set.Shards, map[string]int{"a.b.": 4, "c.": 100}) || set.FanoutRate != 10_000 || set.LoginWithin != 15*time.Minute || set.LoginTasks != 100_000 || !set.Closed ||
		set.Pipes != (nexus.PipeLimits{Pipes: 10_000, Bytes: 12_288_000_000, Reads: 1}) ||
		!strings.HasSuffix(set.Callbacks[nexus.V0], "/v0") || !strings.HasSuffix(set.Callbacks[nexus.V1], "/v1") {
		t.Errorf("%+v", set)
	}
	if set, err := handler.Settings(environment(nil)); err != nil || len(set.Shards) != 0 || set.LoginWithin != 30*time.Second || set.Closed {
		t.Errorf("without them: %+v, %v", set, err)
	}
	if set, err := handler.Settings(environment(map[string]string{handler.EnvLoginWithin: "0"})); err != nil || set.LoginWithin != 0 {
		t.Errorf("who connects need not log in: %+v, %v", set, err)
	}
}

func TestWrongSettingsAreNamed(t *testing.T) {
	for name, values := range map[string][]string{
		handler.EnvQueueURL:    {"", "timer", "http://", "%"},
		handler.EnvDeadLetters: {"", "dead"},
		handler.EnvCallbackV0:  {"", "v0"},
		handler.EnvCallbackV1:  {"", "/v1"},
		handler.EnvShards:      {"a.b.", "a.b.=", "a.b.=0", "a.b.=101", "a.b.=x", "a.b=4", "=4", "c.=2,a.b", "c.=2,C.=3", "a..=2", "@a.=2", "a b.=2"},
		handler.EnvFanoutRate:  {"0", "-1", "10001", "x", "1.5"},
		handler.EnvLoginWithin: {"-1", "901", "x", "1.5", "30s", "9223372036854775807"},
		handler.EnvLoginTasks:  {"0", "-1", "100001", "x", "1.5"},
		handler.EnvPipes:       {"0", "10001", "x"},
		handler.EnvUnread:      {"131071", "12288000001", "64MB", "-1"},
		handler.EnvReads:       {"0", "33", "1.5"},
		handler.EnvAccess:      {"shut", "Closed", "1"},
		handler.EnvLogLevel:    {"LOUD", "5"},
	} {
		for _, value := range values {
			_, err := handler.Settings(environment(map[string]string{name: value}))
			if err == nil || !strings.HasPrefix(err.Error(), name+":") {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
}

// What is unknown of ids must be unknown to everybody; what is ordered by them is ordered by time.
func TestChances(t *testing.T) {
	c := handler.Chances()
	a, b := c.NewID(), c.NewID()
	if len(a) != 26 || a[10:] == b[10:] {
		t.Errorf("ids %s and %s", a, b)
	}
	if first := c.ULID(c.Now().Add(-time.Minute)); first >= a || !strings.HasSuffix(first, strings.Repeat("0", 16)) {
		t.Errorf("the first id of a minute ago is %s, one of now %s", first, a)
	}
	if s, again := string(c.Salt()), string(c.Salt()); len(s) != 16 || s == again {
		t.Errorf("salts %q and %q", s, again)
	}
	if f := c.Float(); f < 0 || f >= 1 {
		t.Error(f)
	}
}
