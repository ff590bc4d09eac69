package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// How long an engine may take to answer its first request, and to end when asked.
const (
	startWithin = 3 * time.Minute
	stopWithin  = 10 * time.Second
)

// server is an engine that was started.
type server struct {
	url     string
	cmd     *exec.Cmd
	scratch string
	output  bytes.Buffer // read once the process has ended
	ended   chan struct{}
}

// start starts an engine and returns once it answers.
func start(ctx context.Context, e engine, folder string) (*server, error) {
	scratch, err := os.MkdirTemp("", "nexus-"+e.name+"-")
	if err != nil {
		return nil, err
	}
	s := &server{scratch: scratch, ended: make(chan struct{})}
	if err := s.start(ctx, e, folder); err != nil {
		s.stop()
		return nil, fmt.Errorf("%s: %w\n%s", e.name, err, s.output.Bytes())
	}
	return s, nil
}

func (s *server) start(ctx context.Context, e engine, folder string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	port := l.Addr().(*net.TCPAddr).Port
	s.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	if err := l.Close(); err != nil {
		return err
	}
	cmd, err := e.command(folder, s.scratch, port)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = &s.output, &s.output, apart()
	cmd.WaitDelay = time.Second // for what it started and left behind with its output
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd = cmd
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(s.ended)
	}()
	return s.answers(ctx)
}

// answers waits until the engine lists its tables. Its first answer may take many seconds, for which it is asked once.
func (s *server) answers(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, startWithin)
	defer stop()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := s.listTables(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-s.ended:
			return fmt.Errorf("ended: %s", s.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("does not answer on %s: %w", s.url, err)
		}
	}
}

func (s *server) listTables(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader("{}"))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810.ListTables")
	r.Header.Set("Authorization", // which emulators look at for the service alone
		"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		err = fmt.Errorf("it answers %s", response.Status)
	}
	_ = response.Body.Close() // which was not looked at
	return err
}

// wait returns when ctx ends, or the engine by itself.
func (s *server) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.ended:
		return fmt.Errorf("ended by itself: %s\n%s", s.cmd.ProcessState, s.output.Bytes())
	}
}

// stop ends the engine with all that it started, and removes its state.
func (s *server) stop() {
	if s.cmd != nil {
		terminate(s.cmd.Process)
		select {
		case <-s.ended:
		case <-time.After(stopWithin):
		}
		kill(s.cmd.Process) // whatever is left of its group
		<-s.ended
	}
	_ = os.RemoveAll(s.scratch) // what is still there goes with the machine's temporary files
}
