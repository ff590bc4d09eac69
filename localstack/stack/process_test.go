package stack_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"nexus/localstack/clock"
	"nexus/localstack/lambda"
	"nexus/localstack/stack"
	"nexus/localstack/transcript"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"
)

// TestTranscriptsOverWebSocketByProcess plays the transcripts that leave the clock alone against the functions' real programs, together on one stack.
func TestTranscriptsOverWebSocketByProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the functions' programs are NOT built, and no transcript is played against them")
	}
	began := time.Now()
	log := &coldStarts{Handler: testLog(t).Handler()}
	s, err := stack.Start(t.Context(), stack.Config{Listen: "127.0.0.1:0", Runtime: stack.Process, Log: slog.New(log)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	built := time.Now()
	strangersReachNoFunctionsPort(t, s)
	played, left := 0, 0
	t.Run("all", func(t *testing.T) {
		for _, script := range scripts(t) {
			if script.Elapses() > 0 {
				left++
				continue
			}
			played++
			t.Run(strings.TrimSuffix(script.Name, ".txt"), func(t *testing.T) {
				if !script.Alone { // or it is played before the others go on
					t.Parallel()
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if err := script.Play(ctx, &transcript.WebSocket{URL: "ws://" + s.Addr, User: "root", Pass: "root"}); err != nil {
					t.Error(err)
				}
			})
		}
	})
	t.Logf("built and started in %v, %d transcripts in %v (%d move the clock); %s", built.Sub(began).Round(time.Millisecond), played,
		time.Since(built).Round(time.Millisecond), left, log)
}

// coldStarts is a log that notes what the runtime says of environments.
type coldStarts struct {
	slog.Handler
	mu    sync.Mutex
	inits []time.Duration
}

// Enabled implements slog.Handler: environments are told of at DEBUG.
func (*coldStarts) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (c *coldStarts) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "init" {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.inits = append(c.inits, a.Value.Duration())
		}
		return true
	})
	if !c.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return c.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler. Only the runtime itself, not what a function prints, is looked at.
func (c *coldStarts) WithAttrs(attributes []slog.Attr) slog.Handler {
	return c.Handler.WithAttrs(attributes)
}

func (c *coldStarts) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var sum, most time.Duration
	for _, d := range c.inits {
		sum, most = sum+d, max(most, d)
	}
	return fmt.Sprintf("%d cold starts of %v on average, %v at most", len(c.inits), (sum / time.Duration(max(1, len(c.inits)))).Round(time.Millisecond/10),
		most.Round(time.Millisecond/10))
}

func TestMistakesInRuntime(t *testing.T) {
	for name, c := range map[string]stack.Config{
		"no such runtime":     {Runtime: "container"},
		"another clock":       {Runtime: stack.Process, Clock: clock.NewManual(time.Now())},
		"chances":             {Runtime: stack.Process, Chances: &nexus.Chances{}},
		"settings":            {Runtime: stack.Process, Adjust: func(*nexus.Settings) {}},
		"programs in process": {Programs: t.TempDir()},
		"no programs":         {Runtime: stack.Process, Programs: t.TempDir()},
	} {
		if s, err := stack.Start(t.Context(), c); err == nil {
			t.Errorf("%s was accepted", name)
			_ = s.Close()
		}
	}
}

// BenchmarkColdStart measures what a function's first invocation in a new environment takes, with its program's size. It makes no request of AWS.
func BenchmarkColdStart(b *testing.B) {
	programs, err := lambda.Build(b.Context(), runtime.GOOS, b.TempDir(), "nexus/functions", []string{nexus.FunctionTimer})
	if err != nil {
		b.Fatal(err)
	}
	program, err := os.Stat(programs[nexus.FunctionTimer])
	if err != nil {
		b.Fatal(err)
	}
	nowhere := "http://127.0.0.1:9/" // the port of discard
	env := map[string]string{"AWS_ENDPOINT_URL": nowhere, handler.EnvQueueURL: nowhere + "queue", handler.EnvCallbackV0: nowhere + "v0",
		handler.EnvCallbackV1: nowhere + "v1"}
	for b.Loop() {
		processes, err := lambda.NewProcesses(lambda.ProcessConfig{Programs: programs, Env: env})
		if err != nil {
			b.Fatal(err)
		}
		_, err = lambda.New(lambda.Config{Functions: processes.Functions()}).Invoke(b.Context(), nexus.FunctionTimer, []byte(`{}`))
		if err == nil || !strings.Contains(err.Error(), "neither") {
			b.Fatal(err)
		}
		b.StopTimer()
		processes.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(program.Size())/1e6, "MB-unzipped")
}
