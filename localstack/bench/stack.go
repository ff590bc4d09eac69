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

// program is the local stack, built for the measurement.
type program struct {
	dir          string
	user, kernel time.Duration // of the processor, by those of its stacks that have ended
}

// fanoutRate is the most that a fan-out can be set to: the default keeps under a quota that this gateway does not have.
const fanoutRate = "10000"

// How long a local stack may take to listen, and to stop when asked.
const (
	startWithin = 20 * time.Second
	stopWithin  = 5 * time.Second
)

// build builds the local stack.
func build(ctx context.Context) (*program, error) {
	dir, err := os.MkdirTemp("", "nexus-bench")
	if err != nil {
		return nil, err
	}
	p := &program{dir: dir}
	if err := child.Run(exec.CommandContext(ctx, "go", "build", "-o", p.binary(), "nexus/localstack")); err != nil {
		p.remove()
		return nil, err
	}
	return p, nil
}

func (p *program) binary() string { return filepath.Join(p.dir, "localstack") }

// remove removes what was built.
func (p *program) remove() { _ = os.RemoveAll(p.dir) }

// start runs a local stack on a free port. stop ends it.
func (p *program) start(ctx context.Context) (url string, stop func(), err error) {
	port, err := child.FreePort()
	if err != nil {
		return "", nil, err
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	var output bytes.Buffer                                              // read once the process has ended
	cmd := exec.Command(p.binary(), "-listen", address, "-endpoint", "") // embedded, whatever AWS_ENDPOINT_URL says
	cmd.Env = append(os.Environ(), handler.EnvFanoutRate+"="+fanoutRate)
	cmd.Stdout, cmd.Stderr = &output, &output
	process, err := child.Start(cmd)
	if err != nil {
		return "", nil, err
	}
	stop = func() {
		process.Stop(stopWithin)
		p.user += process.State().UserTime()
		p.kernel += process.State().SystemTime()
	}
	err = process.Ready(ctx, startWithin, func(ctx context.Context) error {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return conn.Close()
	})
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("local stack: %w\n%s", err, output.Bytes())
	}
	return "ws://" + address, stop, nil
}

// used says how much of the processor the stacks took, for that is what bounds a local bus.
func (p *program) used() string {
	return fmt.Sprintf("the local stacks used %.1f s of processor time (%.1f s in the kernel)\n", (p.user + p.kernel).Seconds(), p.kernel.Seconds())
}
