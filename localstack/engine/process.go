package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"nexus/localstack/child"
	"nexus/localstack/emulator"
)

// How long an engine may take to answer its first request, and to end when asked.
const (
	startWithin = 3 * time.Minute
	stopWithin  = 10 * time.Second
)

// server is an engine that was started.
type server struct {
	url     string
	process *child.Process
	scratch string // its folder: state, and what it printed
}

// start starts an engine and returns once it answers.
func start(ctx context.Context, e engine, folder string) (*server, error) {
	scratch, err := os.MkdirTemp("", "nexus-"+e.name+"-")
	if err != nil {
		return nil, err
	}
	s := &server{scratch: scratch}
	if err := s.start(ctx, e, folder); err != nil {
		err = fmt.Errorf("%s: %w\n%s", e.name, err, s.tail())
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) start(ctx context.Context, e engine, folder string) error {
	output, err := os.Create(s.log())
	if err != nil {
		return err
	}
	defer output.Close() // the engine has its own
	port, err := child.FreePort()
	if err != nil {
		return err
	}
	s.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	cmd, err := e.command(folder, s.scratch, port)
	if err != nil {
		return err
	}
	cmd.Stdout, cmd.Stderr = output, output
	if s.process, err = child.Start(cmd); err != nil {
		return err
	}
	// Its first answer may take many seconds, for which it is asked once.
	return s.process.Ready(ctx, startWithin, func(ctx context.Context) error {
		var tables struct{ TableNames []string }
		return emulator.Emulator{URL: s.url}.Call(ctx, "dynamodb", "DynamoDB_20120810.ListTables", map[string]any{}, &tables)
	})
}

// wait returns when ctx ends, or the engine by itself.
func (s *server) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-s.process.Ended():
		return fmt.Errorf("ended by itself: %s\n%s", s.process.State(), s.tail())
	}
}

// log is the file of what the engine printed, which may be much: a line of each request.
func (s *server) log() string { return filepath.Join(s.scratch, "output.log") }

// tail is the end of what the engine printed.
func (s *server) tail() string {
	text, err := os.ReadFile(s.log())
	if err != nil {
		return err.Error()
	}
	return child.Tail(text)
}

// stop ends the engine with all that it started, and removes its state.
func (s *server) stop() {
	if s.process != nil {
		s.process.Stop(stopWithin)
	}
	_ = os.RemoveAll(s.scratch) // what is still there goes with the machine's temporary files
}
