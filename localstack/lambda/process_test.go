package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"nexus/localstack/clock"
	"nexus/localstack/lambda"
)

// processes is a Runner of the functions in TestMain, whose clock stands still.
type processes struct {
	*testing.T
	*lambda.Runner
	all   *lambda.Processes
	clock *clock.Manual
	log   *logged
	// held has an element for each function that asks the test, which goes on when the element is closed; gone tells that it ended instead.
	held chan chan struct{}
	gone chan struct{}
}

// run starts a Runner. c says how.
func run(t *testing.T, c lambda.ProcessConfig) *processes {
	t.Helper()
	p := &processes{T: t, clock: clock.NewManual(time.Now()), log: &logged{counts: map[string]int{}, printed: make(chan string, 100)},
		held: make(chan chan struct{}), gone: make(chan struct{}, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		goOn := make(chan struct{})
		select {
		case p.held <- goOn:
		case <-r.Context().Done():
			return
		}
		select {
		case <-goOn:
		case <-r.Context().Done():
			p.gone <- struct{}{}
		}
	}))
	t.Cleanup(server.Close)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.Programs = map[string]string{"probe": self, "rude": self, "broken": self, "unwell": self, "mute": self, "none": self + "-that-is-not-there"}
	c.Env = map[string]string{"TEST_URL": server.URL, "NEXUS_TEST": "1"}
	c.Clock, c.Log = p.clock, slog.New(p.log)
	if p.all, err = lambda.NewProcesses(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.all.Close)
	p.Runner = lambda.New(lambda.Config{Functions: p.all.Functions(), Clock: p.clock})
	return p
}

// logged is a log that a test reads: how often something happened, and what the functions printed.
type logged struct {
	mu      sync.Mutex
	counts  map[string]int
	printed chan string
}

func (*logged) Enabled(context.Context, slog.Level) bool { return true }
func (l *logged) WithAttrs([]slog.Attr) slog.Handler     { return l }
func (l *logged) WithGroup(string) slog.Handler          { return l }

// Handle implements slog.Handler.
func (l *logged) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, "environment ") {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.counts[r.Message]++
		return nil
	}
	line := r.Level.String() + " " + r.Message
	r.Attrs(func(a slog.Attr) bool { line += " " + a.String(); return true })
	select {
	case l.printed <- line:
	default: // of a test that does not look at what is printed
	}
	return nil
}

// count tells how often a message was logged.
func (p *processes) count(message string) int {
	p.log.mu.Lock()
	defer p.log.mu.Unlock()
	return p.log.counts[message]
}

// do has probe do something, and returns what it saw.
func (p *processes) do(what string) (seen, error) {
	var s seen
	result, err := p.Invoke(p.Context(), "probe", []byte(`"`+what+`"`))
	if err == nil {
		err = json.Unmarshal(result, &s)
	}
	return s, err
}

// pid returns the process that a further invocation meets.
func (p *processes) pid() int {
	p.Helper()
	s, err := p.do("look")
	if err != nil {
		p.Fatal(err)
	}
	return s.Pid
}

// start is do, in the background.
func (p *processes) start(what string) chan error {
	done := make(chan error, 1)
	go func() {
		_, err := p.do(what)
		done <- err
	}()
	return done
}

func TestAProcessSeesItsInvocationAsOnLambda(t *testing.T) {
	p := run(t, lambda.ProcessConfig{Region: "eu-west-1"})
	got, err := p.do("look")
	if err != nil {
		t.Fatal(err)
	}
	id := "00000000-0000-4000-8000-000000000001"
	if got.Pid == os.Getpid() || got.ID != id || got.ARN != lambda.FunctionARN("", "", "probe") || got.Left <= 0 || got.Left > lambda.DefaultTimeout {
		t.Errorf("%+v", got)
	}
	if !strings.HasPrefix(got.Trace, "Root=1-") || !strings.HasSuffix(got.Trace, ";Sampled=0") {
		t.Errorf("trace %q", got.Trace)
	}
	var names []string
	for _, variable := range got.Environment {
		name, value, _ := strings.Cut(variable, "=")
		switch {
		case name == "AWS_LAMBDA_RUNTIME_API" || name == "TEST_URL" || name == "SYSTEMROOT":
		case name == "_X_AMZN_TRACE_ID": // aws-lambda-go sets it
		default:
			name += "=" + value
		}
		names = append(names, name)
	}
	slices.Sort(names)
	want := "AWS_ACCESS_KEY_ID=probe AWS_DEFAULT_REGION=eu-west-1 AWS_LAMBDA_FUNCTION_NAME=probe AWS_LAMBDA_FUNCTION_VERSION=$LATEST " +
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/probe AWS_LAMBDA_RUNTIME_API AWS_REGION=eu-west-1 " +
		"AWS_SECRET_ACCESS_KEY=local AWS_SESSION_TOKEN=local LANG=en_US.UTF-8 NEXUS_TEST=1 TEST_URL TZ=:UTC _HANDLER=bootstrap _X_AMZN_TRACE_ID"
	if strings.Join(names, " ") != want {
		t.Errorf("environment\n%s\nwant\n%s", strings.Join(names, " "), want)
	}
}

func TestAProcessAndItsErrors(t *testing.T) {
	p := run(t, lambda.ProcessConfig{Environments: 1})
	for n, c := range []struct{ do, want string }{
		{"fail", "oddError: odd"},
		{"brittle", "errorString: broke off"},
		{"panic", "string: boom"},
		{"exit", "Runtime.ExitError: RequestId: 00000000-0000-4000-8000-000000000004 Error: Runtime exited with error: exit status 3"},
		{"huge", "Function.ResponseSizeTooLarge: Response payload size exceeded maximum allowed payload size (6291456 bytes)."},
	} {
		if _, err := p.do(c.do); err == nil || err.Error() != c.want {
			t.Errorf("%d: %s: %v", n, c.do, err)
		}
	}
}

// An environment is used again until its process ends; one environment alone makes an invocation wait until the process is back at next.
func TestAProcessIsKeptWarmAndReplaced(t *testing.T) {
	p := run(t, lambda.ProcessConfig{Environments: 1})
	now := p.pid()
	for _, c := range []struct {
		do       string
		replaced bool
	}{{"look", false}, {"fail", false}, {"panic", true}, {"exit", true}, {"look", false}, {"huge", true}} {
		_, _ = p.do(c.do) // what it returns is another test's
		before := now
		if now = p.pid(); (now != before) != c.replaced {
			t.Errorf("%s: process %d, then %d", c.do, before, now)
		}
	}
}

func TestATimeoutKillsTheProcess(t *testing.T) {
	p := run(t, lambda.ProcessConfig{Environments: 1})
	before := p.pid()
	done := p.start("hold")
	<-p.held
	p.clock.Advance(lambda.DefaultTimeout)
	want := "Sandbox.Timedout: RequestId: 00000000-0000-4000-8000-000000000002 Error: Task timed out after 10.00 seconds"
	if err := <-done; err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	<-p.gone
	if after := p.pid(); after == before {
		t.Errorf("process %d lives", after)
	}
}

func TestACallerThatGoesTakesTheProcessWithIt(t *testing.T) {
	p := run(t, lambda.ProcessConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := p.Invoke(ctx, "probe", []byte(`"hold"`))
		done <- err
	}()
	<-p.held
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-p.gone
}

// Each invocation has an environment of its own, up to the limit; the others wait for their turn, and their time does not run.
func TestConcurrentInvocations(t *testing.T) {
	const environments, invocations = 3, 7
	p := run(t, lambda.ProcessConfig{Environments: environments})
	var done []chan error
	for range invocations {
		done = append(done, p.start("hold"))
	}
	var held []chan struct{}
	for range environments {
		held = append(held, <-p.held)
	}
	for range invocations - environments {
		p.clock.Advance(lambda.DefaultTimeout / invocations)
		select {
		case <-p.held:
			t.Fatal("more environments than allowed")
		default:
		}
		close(held[0])
		held = append(held[1:], <-p.held)
	}
	p.clock.Advance(lambda.DefaultTimeout / 2) // more than the timeout since the beginning
	for _, goOn := range held {
		close(goOn)
	}
	for n := range done {
		if err := <-done[n]; err != nil {
			t.Error(err)
		}
	}
	if started := p.count("environment started"); started != environments {
		t.Errorf("%d environments", started)
	}
}

func TestAnIdleProcessEnds(t *testing.T) {
	p := run(t, lambda.ProcessConfig{Idle: time.Minute})
	before := p.pid()
	for p.count("environment ended") == 0 { // it becomes idle a moment after its answer
		p.clock.Advance(time.Minute)
	}
	if after := p.pid(); after == before {
		t.Errorf("process %d is back", after)
	}
}

func TestInitialisationThatFails(t *testing.T) {
	p := run(t, lambda.ProcessConfig{Environments: 1})
	for n, c := range []struct{ function, want string }{
		{"broken", "Runtime.ExitError: RequestId: 00000000-0000-4000-8000-000000000001 Error: Runtime exited with error: exit status 7"},
		{"broken", "Runtime.ExitError: RequestId: 00000000-0000-4000-8000-000000000002 Error: Runtime exited with error: exit status 7"},
		{"unwell", "Unwell: no table"},
		{"unwell", "Unwell: no table"},
		{"mute", "Sandbox.Timedout: Init timed out after 10.00 seconds"},
		{"none", "Runtime.InvalidEntrypoint: fork/exec "},
		{"none", "Runtime.InvalidEntrypoint: fork/exec "},
	} {
		if c.function == "mute" {
			go func() {
				<-p.held
				p.clock.Advance(10 * time.Second)
			}()
		}
		_, err := p.Invoke(t.Context(), c.function, []byte(`{}`))
		var e *lambda.Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%d: %s: %v", n, c.function, err)
		}
	}
}

func TestWhatTheRuntimeAPIRefuses(t *testing.T) {
	p := run(t, lambda.ProcessConfig{Environments: 1})
	if result, err := p.Invoke(t.Context(), "rude", []byte(`{}`)); err != nil || string(result) != "1" {
		t.Fatalf("%s, %v", result, err)
	}
	result, err := p.Invoke(t.Context(), "rude", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	if err := json.Unmarshal(result, &told); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"next unanswered: 403",
		`another's id: 400 {"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`,
		`its own: 202 {"status":"OK"}`,
		`again: 403 {"errorMessage":"The invocation is answered.","errorType":"InvalidStateTransition"}`,
		`extensions: 404 {"errorMessage":"POST /2018-06-01/extension/register is not part of this Runtime API: ` +
			`it has no extensions, logs or telemetry","errorType":"NotFound"}`,
	}
	if !slices.Equal(told, want) {
		t.Errorf("%s", strings.Join(told, "\n"))
	}
}

func TestWhatAFunctionPrintsIsLogged(t *testing.T) {
	p := run(t, lambda.ProcessConfig{})
	if _, err := p.do("print"); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for range 2 {
		lines = append(lines, <-p.log.printed)
	}
	slices.Sort(lines) // the two streams have no order
	if want := []string{"ERROR bad n=1", "WARN plain"}; !slices.Equal(lines, want) {
		t.Errorf("logged %q", lines)
	}
}

func TestCloseEndsAllProcesses(t *testing.T) {
	p := run(t, lambda.ProcessConfig{})
	one, other := p.start("hold"), p.start("hold")
	goOn := <-p.held
	<-p.held
	close(goOn)
	var first error
	select { // one is left to become idle, the other to go on
	case first = <-one:
		one = other
	case first = <-other:
	}
	if first != nil {
		t.Error(first)
	}
	p.all.Close()
	var e *lambda.Error
	if err := <-one; !errors.As(err, &e) || e.Type != lambda.TypeExit {
		t.Errorf("got %v", err)
	}
	<-p.gone
	if started, ended := p.count("environment started"), p.count("environment ended"); started != 2 || ended != 2 {
		t.Errorf("%d processes started, %d ended", started, ended)
	}
	if _, err := p.do("look"); err == nil {
		t.Error("a function ran after Close")
	}
	p.all.Close() // once more does no harm
}

func TestMistakesInProcessConfig(t *testing.T) {
	for _, c := range []lambda.ProcessConfig{
		{Environments: -1},
		{Idle: -1},
		{Env: map[string]string{"AWS_LAMBDA_RUNTIME_API": "x"}},
		{Env: map[string]string{"AWS_REGION": "x"}},
	} {
		if _, err := lambda.NewProcesses(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
