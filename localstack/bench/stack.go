package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"nexus/localstack/child"
	"nexus/pkg/handler"
)

// stack is a local stack that was started for the measurement.
type stack struct {
	url     string
	dir     string
	process *child.Process
	output  bytes.Buffer // read once the process has ended
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
	s := &stack{dir: dir}
	if err := s.start(ctx); err != nil {
		s.stop()
		return nil, fmt.Errorf("local stack: %w\n%s", err, s.output.Bytes())
	}
	return s, nil
}

func (s *stack) start(ctx context.Context) error {
	binary := filepath.Join(s.dir, "localstack")
	if err := child.Run(exec.CommandContext(ctx, "go", "build", "-o", binary, "nexus/localstack")); err != nil {
		return err
	}
	port, err := child.FreePort()
	if err != nil {
		return err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	s.url = "ws://" + address
	cmd := exec.Command(binary, "-listen", address, "-endpoint", "") // embedded, whatever AWS_ENDPOINT_URL says
	cmd.Env = append(os.Environ(), handler.EnvFanoutRate+"="+fanoutRate)
	cmd.Stdout, cmd.Stderr = &s.output, &s.output
	if s.process, err = child.Start(cmd); err != nil {
		return err
	}
	return s.process.Ready(ctx, startWithin, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// stop ends the stack and removes what was built. It may be called twice.
func (s *stack) stop() {
	if s.process != nil {
		s.process.Stop(stopWithin)
	}
	_ = os.RemoveAll(s.dir)
}

// used ends the stack and says how much of the processor it took, for that is what bounds a local bus.
func (s *stack) used() string {
	s.stop()
	state := s.process.State()
	return fmt.Sprintf("the local stack used %.1f s of processor time (%.1f s in the kernel)\n",
		(state.UserTime() + state.SystemTime()).Seconds(), state.SystemTime().Seconds())
}
