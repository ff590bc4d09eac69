package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nexus/localstack/stack"
	"nexus/pkg/nexus"
	"nexus/pkg/user"
)

func bus(t *testing.T) (url string) {
	t.Helper()
	s, err := stack.Start(t.Context(), stack.Config{Listen: "127.0.0.1:0", RootPassword: "sesame", Adjust: func(set *nexus.Settings) {
		set.PasswordCost = user.Cost{Memory: 64, Passes: 1, Parallelism: 1} // the real one is tested where it is made
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return "ws://" + s.Addr
}

// play runs the command with the password that bus has.
func play(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, func(name string) string { return map[string]string{passwordVariable: "sesame"}[name] }, &out, io.Discard)
	return out.String(), err
}

func TestPlay(t *testing.T) {
	url := bus(t)
	const folder = "-folder=../../pkg/nexus/testdata"
	for _, c := range []struct{ args, want string }{
		{"-run=^sys.ping", "1 transcripts in"},
		{"-run=^task.pull.root", "left out: task.pull.root.txt, which takes what others may have left"},
		{"-alone -run=^task.pull.root", "1 passed, 0 failed, 0 left out"},
		{"-run=^sys.watchdog.silence -patience=1s", "left out: sys.watchdog.silence.txt, which moves the clock by"},
	} {
		out, err := play(t, append(strings.Fields(c.args), folder, url)...)
		if err != nil || !strings.Contains(out, c.want) {
			t.Errorf("%s: %v\n%s", c.args, err, out)
		}
	}
}

func TestAStoryThatFails(t *testing.T) {
	folder := t.TempDir()
	story := "root login\nroot --> {\"id\":1,\"method\":\"sys.ping\"}\nroot <-- {\"id\":1,\"result\":\"ping\"}\n"
	if err := os.WriteFile(filepath.Join(folder, "ping.txt"), []byte(story), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := play(t, "-folder", folder, bus(t))
	if !errors.Is(err, errFailed) || !strings.Contains(out, "failed: ping.txt") || !strings.Contains(out, "pong") || strings.Contains(out, "sesame") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestMistakes(t *testing.T) {
	url := bus(t)
	const folder = "-folder=../../pkg/nexus/testdata "
	for args, want := range map[string]string{
		"http://localhost":             "ws:// or wss://",
		"ws://":                        "ws:// or wss://",
		url + "/v0":                    "names a stage",
		url + "/":                      "without a slash",
		"-together=0 " + url:           "at least 1",
		"-run=( " + url:                "-run",
		"-folder=. " + url:             "no *.txt",
		folder + "-run=^nosuch " + url: "no story's name matches",
		folder + "ws://127.0.0.1:9":    "before all transcripts",
		folder + "-user=other " + url:  "Permission denied",
	} {
		if _, err := play(t, strings.Fields(args)...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", args, err, want)
		}
	}
	for _, args := range []string{"", "-nosuch " + url, url + " " + url} {
		if _, err := play(t, strings.Fields(args)...); !errors.Is(err, flag.ErrHelp) {
			t.Errorf("%q: %v", args, err)
		}
	}
	err := run(context.Background(), []string{url}, func(string) string { return "" }, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), passwordVariable) {
		t.Errorf("no password: %v", err)
	}
}
