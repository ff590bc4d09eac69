// Package child runs other programs: to their end (Run, Output), or beside this one until they are stopped (Start). They are in process groups of
// their own, so that what they started ends with them, and a terminal's Ctrl-C reaches them only through who started them. Where there are no process
// groups, on Windows, what a child started may outlive it.
package child

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// left is how long the output of a child that has ended is still waited for: whoever left its group may hold it.
const left = time.Second

// Run runs a command of exec.CommandContext. The end of its context kills its group. What it printed is told only if it failed.
func Run(cmd *exec.Cmd) error {
	if out, err := Output(cmd); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// Output is Run for who wants to know what was printed, on standard output and error together, also where it failed.
func Output(cmd *exec.Cmd) ([]byte, error) {
	cmd.SysProcAttr, cmd.WaitDelay = Apart(), left
	cmd.Cancel = func() error {
		kill(cmd.Process)
		return nil
	}
	return cmd.CombinedOutput()
}

// Tail is the last 40 lines of what a program printed.
func Tail(text []byte) string {
	lines := bytes.Split(bytes.TrimRight(text, "\n"), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-40):], []byte("\n")))
}

// FreePort returns a port of the loopback address 127.0.0.1 that was free just now.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return l.Addr().(*net.TCPAddr).Port, l.Close()
}

// Process is a child that was started, a server as a rule.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	stop  sync.Once
}

// Start starts a command of exec.Command. Stop it.
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr, cmd.WaitDelay = Apart(), left
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(p.ended)
	}()
	return p, nil
}

// Ready waits until the child does what it is for: ask is called every 50 ms until it returns nil. It is an error if the child ends, or has not come
// so far within the time given.
func (p *Process) Ready(ctx context.Context, within time.Duration, ask func(context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, within)
	defer stop()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-p.ended:
			return fmt.Errorf("ended: %s", p.State())
		case <-ctx.Done():
			return fmt.Errorf("is not ready: %w: %w", ctx.Err(), err)
		}
	}
}

// Ended is closed once the child has ended, however it did, and its output has.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// State says how the child ended, once it has.
func (p *Process) State() *os.ProcessState { return p.cmd.ProcessState }

// Stop asks the child and what it started to end, and kills what is left of them once the child has ended or the time given is over. It may be called
// again.
func (p *Process) Stop(within time.Duration) {
	p.stop.Do(func() {
		terminate(p.cmd.Process)
		select {
		case <-p.ended:
		case <-time.After(within):
		}
		kill(p.cmd.Process) // whatever is left of its group
		<-p.ended
	})
}
