package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"nexus/pkg/handler"
)

// stack is a local stack that was started for the measurement.
type stack struct {
	url    string
	dir    string
	cmd    *exec.Cmd
	output bytes.Buffer // read once the process has ended
	ended  chan struct{}
}

// fanoutRate is the most that a fan-out can be set to: the default keeps under a quota that this gateway does not have.
const fanoutRate = "10000"

// How long a local stack may take to listen, and to stop when asked.
const (
	startWithin = 20 * time.Second
	stopWithin  = 5 * time.Second
)

// startStack builds the local stack and runs it on a free port.
func startStack(ctx context.Context) (*stack, error) {
	dir, err := os.MkdirTemp("", "nexus-bench")
	if err != nil {
		return nil, err
	}
	s := &stack{dir: dir, ended: make(chan struct{})}
	if err := s.start(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("local stack: %w", err)
	}
	return s, nil
}

func (s *stack) start(ctx context.Context) error {
	binary := filepath.Join(s.dir, "localstack")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "nexus/localstack").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	s.url = "ws://" + address
	s.cmd = exec.Command(binary, "-listen", address, "-endpoint", "") // embedded, whatever AWS_ENDPOINT_URL says
	s.cmd.Env = append(os.Environ(), handler.EnvFanoutRate+"="+fanoutRate)
	s.cmd.Stdout, s.cmd.Stderr = &s.output, &s.output
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return err
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is in ProcessState
		close(s.ended)
	}()
	return s.listens(ctx, address)
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// listens waits until the stack takes connections.
func (s *stack) listens(ctx context.Context, address string) error {
	ctx, stop := context.WithTimeout(ctx, startWithin)
	defer stop()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ticker.C:
		case <-s.ended:
			return fmt.Errorf("ended: %s\n%s", s.cmd.ProcessState, s.output.Bytes())
		case <-ctx.Done():
			return fmt.Errorf("does not listen on %s: %w", address, errors.Join(ctx.Err(), err))
		}
	}
}

// stop ends the stack and removes what was built. It may be called twice.
func (s *stack) stop() {
	if s.cmd != nil {
		_ = s.cmd.Process.Signal(os.Interrupt) // it may have ended by itself
		select {
		case <-s.ended:
		case <-time.After(stopWithin):
			_ = s.cmd.Process.Kill()
			<-s.ended
		}
	}
	_ = os.RemoveAll(s.dir)
}

// used ends the stack and says how much of the processor it took, for that is what bounds a local bus.
func (s *stack) used() string {
	s.stop()
	state := s.cmd.ProcessState
	return fmt.Sprintf("the local stack used %.1f s of processor time (%.1f s in the kernel)\n",
		(state.UserTime() + state.SystemTime()).Seconds(), state.SystemTime().Seconds())
}
