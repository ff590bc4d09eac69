package main

import (
	"context"
	"embed"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// fakePort is set where this test's program is to be an engine itself: on that port, or, if it is none, one that ends at once.
const fakePort = "NEXUS_TEST_ENGINE"

func TestMain(m *testing.M) {
	port, fake := os.LookupEnv(fakePort)
	if !fake {
		os.Exit(m.Run())
	}
	if _, err := strconv.Atoi(port); err != nil {
		_, _ = io.WriteString(os.Stderr, "no such port")
		os.Exit(3)
	}
	refused := false // as an engine does that is not ready yet
	_ = http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !refused {
			refused = true
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, `{"TableNames":[]}`)
	}))
}

// fake is an engine that is this test's program.
func fake(port func(int) string) engine {
	return engine{name: "fake", command: func(_, scratch string, n int) (*exec.Cmd, error) {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), fakePort+"="+port(n))
		return cmd, os.WriteFile(filepath.Join(scratch, "state"), nil, 0o600)
	}}
}

func TestAnEngineEndsWithItsState(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s, err := start(t.Context(), fake(strconv.Itoa), "")
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Get(s.url)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if _, err := os.Stat(filepath.Join(s.scratch, "state")); err != nil {
		t.Error(err)
	}
	s.stop()
	if _, err := http.Get(s.url); err == nil {
		t.Error("it still answers")
	}
	if _, err := os.Stat(s.scratch); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its state is left: %v", err)
	}
}

func TestAnEngineThatEndsByItself(t *testing.T) {
	_, err := start(t.Context(), fake(func(int) string { return "none" }), "")
	if err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "no such port") {
		t.Error(err)
	}
}

func TestAnEngineThatNobodyWaitsFor(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := start(ctx, fake(strconv.Itoa), ""); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestChoose(t *testing.T) {
	for _, name := range []string{"dynamodb-local", "localstack-core"} {
		if e, err := choose([]string{name, "go", "test"}); err != nil || e.name != name {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
	for _, args := range [][]string{nil, {"dynalite"}} {
		if _, err := choose(args); err == nil || !strings.Contains(err.Error(), "dynamodb-local") {
			t.Errorf("%q: %v", args, err)
		}
	}
}

//go:embed dynamodb-local
var some embed.FS

func TestWhatWasFetchedStays(t *testing.T) {
	folder := t.TempDir()
	installed := 0
	once := func() error {
		installed++
		return nil
	}
	nothing := func() error { return nil }
	for _, step := range []struct {
		before   func() error
		versions string
		install  func() error
		want     int
	}{
		{nothing, "1", func() error { return errors.New("no network") }, 0},
		{nothing, "1", once, 1},
		{nothing, "1", once, 1},
		{func() error { return os.WriteFile(filepath.Join(folder, "package.json"), []byte("{}"), 0o600) }, "1", once, 2}, // other files were there
		{nothing, "1", once, 2},
		{nothing, "2", once, 3},
		{nothing, "2", once, 3},
	} {
		if err := step.before(); err != nil {
			t.Fatal(err)
		}
		err := fetch(folder, some, "dynamodb-local", step.versions, step.install)
		if installed != step.want || (err == nil) != (step.want > 0) {
			t.Errorf("installed %d times, not %d: %v", installed, step.want, err)
		}
	}
}

// The lock must say what the package hashes to, and no address: each machine has its own registry.
func TestTheLock(t *testing.T) {
	lock, err := npmFiles.ReadFile("dynamodb-local/package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	text := string(lock)
	if strings.Contains(text, "://") || strings.Count(text, `"integrity": "sha512-`) != strings.Count(text, `"node_modules/`) {
		t.Error(text)
	}
}

func TestJavaAsLocalStackCallsIt(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("SKIPPED: there is no sh")
	}
	cmd := exec.Command(sh, "localstack-core/java.sh", "-Xmx256m", "-javaagent:/lib/agent.jar", "-Djava.library.path=/lib/DynamoDBLocal_lib", "-jar",
		"/lib/DynamoDBLocal.jar", "-port", "4000", "-inMemory")
	cmd.Env = []string{"JAVA=/bin/echo", "LOOPBACK=/x/Loopback.java"}
	out, err := cmd.CombinedOutput()
	const want = "-Xmx256m -Djava.library.path=/lib/DynamoDBLocal_lib -cp /lib/DynamoDBLocal.jar /x/Loopback.java -port 4000 -inMemory\n"
	if err != nil || string(out) != want {
		t.Errorf("%q, %v", out, err)
	}
}
