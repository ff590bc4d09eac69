package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"nexus/localstack/clock"
	"nexus/localstack/lambda"
)

// function is a Handler.
type function func(ctx context.Context, payload []byte) ([]byte, error)

func (f function) Invoke(ctx context.Context, payload []byte) ([]byte, error) { return f(ctx, payload) }

func echo(_ context.Context, payload []byte) ([]byte, error) { return payload, nil }

type oddError struct{}

func (*oddError) Error() string { return "odd" }

func TestInvoke(t *testing.T) {
	r := lambda.New(lambda.Config{Functions: map[string]lambda.Handler{
		"echo": function(echo),
		"sdk":  awslambda.NewHandler(func(_ context.Context, name string) (string, error) { return "hello " + name, nil }),
		"fail": function(func(context.Context, []byte) ([]byte, error) { return nil, &oddError{} }),
		"boom": function(func(context.Context, []byte) ([]byte, error) { panic("boom") }),
		"exit": function(func(context.Context, []byte) ([]byte, error) { runtime.Goexit(); return nil, nil }),
		"huge": function(func(context.Context, []byte) ([]byte, error) { return make([]byte, lambda.MaxPayload+1), nil }),
	}})
	for _, c := range []struct{ name, payload, want, err string }{
		{"echo", `{"a":1}`, `{"a":1}`, ""},
		{"sdk", `"you"`, `"hello you"`, ""},
		{"fail", `{}`, "", "oddError: odd"},
		{"boom", `{}`, "", "string: boom"},
		{"exit", `{}`, "", "Runtime.ExitError: RequestId: 00000000-0000-4000-8000-000000000005 Error: Runtime exited without providing a reason"},
		{"huge", `{}`, "", "Function.ResponseSizeTooLarge: Response payload size exceeded maximum allowed payload size (6291456 bytes)."},
		{"none", `{}`, "", "ResourceNotFoundException: Function not found: none"},
		{"echo", strings.Repeat(" ", lambda.MaxPayload+1), "", "RequestEntityTooLargeException: 6291457 byte payload is too large for the Invoke operation (limit 6291456 bytes)"},
	} {
		got, err := r.Invoke(t.Context(), c.name, []byte(c.payload))
		if string(got) != c.want || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}

func TestAPanicsStackIsForLogsOnly(t *testing.T) {
	var logged error
	r := lambda.New(lambda.Config{
		Functions: map[string]lambda.Handler{"boom": function(func(context.Context, []byte) ([]byte, error) { panic(errors.New("boom")) })},
		OnInvoke:  func(_, _ string, _ time.Duration, err error) { logged = err },
	})
	_, err := r.Invoke(t.Context(), "boom", nil)
	var e *lambda.Error
	if !errors.As(logged, &e) || !strings.Contains(e.Stack, "runner_test.go") {
		t.Errorf("logged %v", logged)
	}
	if want := `{"errorMessage":"boom","errorType":"errorString"}`; string(e.Payload()) != want || strings.Contains(err.Error(), "runner_test.go") {
		t.Errorf("payload %s, error %v", e.Payload(), err)
	}
}

func TestContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []string
		handler := function(func(ctx context.Context, _ []byte) ([]byte, error) {
			lc, _ := lambdacontext.FromContext(ctx)
			deadline, _ := ctx.Deadline()
			seen = append(seen, fmt.Sprint(lambda.InvocationID(ctx), lc.AwsRequestID, lc.InvokedFunctionArn, time.Until(deadline)))
			return nil, nil
		})
		ids := 0
		r := lambda.New(lambda.Config{Functions: map[string]lambda.Handler{"f": handler, "g": handler}, Timeouts: map[string]time.Duration{"g": time.Minute},
			NewID: func() string { ids++; return fmt.Sprint("id-", ids) }})
		for _, name := range []string{"f", "g"} {
			if _, err := r.Invoke(t.Context(), name, nil); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{
			fmt.Sprint("id-1", "id-1", "arn:aws:lambda:us-east-1:000000000000:function:f", 10*time.Second),
			fmt.Sprint("id-2", "id-2", "arn:aws:lambda:us-east-1:000000000000:function:g", time.Minute),
		}
		if fmt.Sprint(seen) != fmt.Sprint(want) {
			t.Errorf("saw %v, want %v", seen, want)
		}
		if id := lambda.InvocationID(t.Context()); id != "" {
			t.Errorf("outside of an invocation: %q", id)
		}
	})
}

// A handler that ignores its context is answered for at its deadline; one that returns because of it is late all the same.
func TestTimeout(t *testing.T) {
	for name, handler := range map[string]function{
		"deaf": func(context.Context, []byte) ([]byte, error) {
			<-time.After(time.Minute)
			return []byte("late"), nil
		},
		"obedient": func(ctx context.Context, _ []byte) ([]byte, error) {
			<-ctx.Done()
			return []byte("late"), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var took time.Duration
				r := lambda.New(lambda.Config{Functions: map[string]lambda.Handler{"f": handler}, Concurrency: map[string]int{"f": 1},
					OnInvoke: func(_, _ string, d time.Duration, _ error) { took = d }})
				for n := range 2 { // the second has the slot that the first left
					got, err := r.Invoke(t.Context(), "f", nil)
					want := fmt.Sprintf("Sandbox.Timedout: RequestId: 00000000-0000-4000-8000-%012x Error: Task timed out after 10.00 seconds", n+1)
					if got != nil || err == nil || err.Error() != want || took != 10*time.Second {
						t.Errorf("got %q, %v after %v", got, err, took)
					}
				}
				<-time.After(time.Minute) // let the deaf ones end
				synctest.Wait()
			})
		})
	}
}

func TestTimeoutByAManualClock(t *testing.T) {
	manual := clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	deadlines, release := make(chan time.Time), make(chan struct{})
	defer close(release)
	ended := make(chan error, 1)
	r := lambda.New(lambda.Config{Clock: manual, Functions: map[string]lambda.Handler{"f": function(func(ctx context.Context, _ []byte) ([]byte, error) {
		d, _ := ctx.Deadline()
		deadlines <- d
		<-ctx.Done()
		ended <- ctx.Err()
		<-release
		return nil, nil
	})}})
	done := make(chan error)
	go func() {
		_, err := r.Invoke(t.Context(), "f", nil)
		done <- err
	}()
	if d := <-deadlines; !d.Equal(manual.Now().Add(10 * time.Second)) {
		t.Errorf("deadline %v", d)
	}
	manual.Advance(10 * time.Second)
	var e *lambda.Error
	if err := <-done; !errors.As(err, &e) || e.Type != lambda.TypeTimedOut {
		t.Errorf("got %v", err)
	}
	if err := <-ended; err != context.DeadlineExceeded {
		t.Errorf("the handler's context ended with %v", err)
	}
}

func TestACallersContextEndsTheInvocation(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := lambda.New(lambda.Config{Functions: map[string]lambda.Handler{"f": function(func(ctx context.Context, _ []byte) ([]byte, error) {
		cancel()
		<-ctx.Done()
		return []byte("late"), nil
	})}})
	if got, err := r.Invoke(ctx, "f", nil); got != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestReservedConcurrency(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	r := lambda.New(lambda.Config{Functions: map[string]lambda.Handler{
		"f":   function(func(context.Context, []byte) ([]byte, error) { entered <- struct{}{}; <-release; return nil, nil }),
		"off": function(echo),
	}, Concurrency: map[string]int{"f": 1, "off": 0}})
	done := make(chan error)
	go func() {
		_, err := r.Invoke(t.Context(), "f", nil)
		done <- err
	}()
	<-entered
	var refused *lambda.Refusal
	for _, name := range []string{"f", "off"} {
		if _, err := r.Invoke(t.Context(), name, nil); !errors.As(err, &refused) || refused.Code != lambda.CodeThrottled {
			t.Errorf("%s: %v", name, err)
		}
	}
	release <- struct{}{}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestMistakesInConfig(t *testing.T) {
	for _, c := range []lambda.Config{
		{Timeouts: map[string]time.Duration{"g": time.Second}},
		{Timeouts: map[string]time.Duration{"f": 0}},
		{Concurrency: map[string]int{"g": 1}},
		{Concurrency: map[string]int{"f": -1}},
	} {
		c.Functions = map[string]lambda.Handler{"f": function(echo)}
		if _, err := lambda.New(c).Invoke(t.Context(), "f", nil); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

func BenchmarkInvoke(b *testing.B) {
	r := lambda.New(lambda.Config{Functions: map[string]lambda.Handler{"f": function(echo)}})
	payload := []byte(`{}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Invoke(b.Context(), "f", payload); err != nil {
			b.Fatal(err)
		}
	}
}
