package child_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"nexus/localstack/child"
)

// shell is a command of a script.
func shell(ctx context.Context, t *testing.T, script string) *exec.Cmd {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("SKIPPED: there is no sh")
	}
	return exec.CommandContext(ctx, sh, "-c", script)
}

func TestRun(t *testing.T) {
	if err := child.Run(shell(t.Context(), t, "echo fine")); err != nil {
		t.Error(err)
	}
	err := child.Run(shell(t.Context(), t, "echo one; echo two >&2; exit 3"))
	if err == nil || !strings.Contains(err.Error(), "exit status 3\none\ntwo") {
		t.Error(err)
	}
}

// The output ends when nobody has it any more: neither the shell nor what it started.
func TestTheGroupEnds(t *testing.T) {
	for name, script := range map[string]string{
		"asked":    "sleep 1000 & echo; wait",
		"stubborn": `trap "" TERM; sleep 1000 & echo; wait`,
	} {
		t.Run(name, func(t *testing.T) {
			cmd := shell(t.Context(), t, script)
			out, in, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer out.Close()
			cmd.Stdout = in
			p, err := child.Start(cmd)
			_ = in.Close() // the child has its own
			if err != nil {
				t.Fatal(err)
			}
			if _, err := out.Read(make([]byte, 1)); err != nil {
				t.Error(err)
			}
			p.Stop(50 * time.Millisecond)
			p.Stop(time.Hour)
			<-p.Ended()
			if rest, err := io.ReadAll(out); len(rest) > 0 || err != nil || p.State().Success() {
				t.Errorf("%q, %v, %s", rest, err, p.State())
			}
		})
	}
}

func TestTheEndOfTheContextIsTheGroups(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := shell(ctx, t, "sleep 1000 & echo >&3; wait")
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.ExtraFiles = []*os.File{in}
	failed := make(chan error)
	go func() {
		_, err := child.Output(cmd)
		_ = in.Close()
		failed <- err
	}()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-failed; err == nil {
		t.Error("it ended well")
	}
	if rest, err := io.ReadAll(out); len(rest) > 0 || err != nil {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestReady(t *testing.T) {
	p, err := child.Start(shell(t.Context(), t, "exec sleep 1000"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Stop(0)
	asked := 0
	third := func(context.Context) error {
		if asked++; asked < 3 {
			return fmt.Errorf("asked %d times", asked)
		}
		return nil
	}
	if err := p.Ready(t.Context(), time.Minute, third); err != nil || asked != 3 {
		t.Errorf("asked %d times: %v", asked, err)
	}
	never := errors.New("not yet")
	if err := p.Ready(t.Context(), time.Millisecond, func(context.Context) error { return never }); !errors.Is(err, never) ||
		!errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	ended, err := child.Start(shell(t.Context(), t, "exit 3"))
	if err != nil {
		t.Fatal(err)
	}
	err = ended.Ready(t.Context(), time.Minute, func(context.Context) error { return never })
	if err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Error(err)
	}
}
