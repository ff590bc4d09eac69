// Package program builds the local stack and runs it as a program of its own, for what measures or attacks it from outside.
package program

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"nexus/localstack/child"
)

// How long a local stack may take to listen, and to stop when asked.
const (
	startWithin = 20 * time.Second
	stopWithin  = 5 * time.Second
)

// Program is the local stack, built.
type Program struct {
	binary string
	dir    string // to be removed; empty if the binary is somebody else's

	mu           sync.Mutex
	user, kernel time.Duration // of the processor, by those of its stacks that have ended
}

// Build builds the local stack. Remove it.
func Build(ctx context.Context) (*Program, error) {
	dir, err := os.MkdirTemp("", "nexus-localstack")
	if err != nil {
		return nil, err
	}
	p := &Program{binary: filepath.Join(dir, "localstack"), dir: dir}
	if err := child.Run(exec.CommandContext(ctx, "go", "build", "-o", p.binary, "nexus/localstack")); err != nil {
		p.Remove()
		return nil, err
	}
	return p, nil
}

// Built is a local stack that was built before, perhaps of another commit.
func Built(binary string) *Program { return &Program{binary: binary} }

// Remove removes what Build built.
func (p *Program) Remove() {
	if p.dir != "" {
		_ = os.RemoveAll(p.dir)
	}
}

// Stack is one run of the program.
type Stack struct {
	URL string // without a stage
	PID int

	program *Program
	process *child.Process
	output  bytes.Buffer // to be read once the process has ended
	stop    sync.Once
}

// Start runs a local stack on a free port of the loopback interface, its engines embedded whatever AWS_ENDPOINT_URL says. Stop it.
func (p *Program) Start(ctx context.Context, env []string, args ...string) (*Stack, error) {
	port, err := child.FreePort()
	if err != nil {
		return nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	s := &Stack{URL: "ws://" + address, program: p}
	cmd := exec.Command(p.binary, append([]string{"-listen", address, "-endpoint", ""}, args...)...)
	cmd.Env = append(cmd.Environ(), env...)
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	if s.process, err = child.Start(cmd); err != nil {
		return nil, err
	}
	s.PID = cmd.Process.Pid
	err = s.process.Ready(ctx, startWithin, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		return nil, fmt.Errorf("local stack: %w\n%s", err, s.Stop())
	}
	return s, nil
}

// Stop ends the stack, and returns what it printed. It may be called again.
func (s *Stack) Stop() []byte {
	s.stop.Do(func() {
		s.process.Stop(stopWithin)
		s.program.mu.Lock()
		defer s.program.mu.Unlock()
		s.program.user += s.process.State().UserTime()
		s.program.kernel += s.process.State().SystemTime()
	})
	return s.output.Bytes()
}

// Used is how much processor time the stacks took that have ended, in all and of that in the kernel.
func (p *Program) Used() (all, kernel time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.user + p.kernel, p.kernel
}
