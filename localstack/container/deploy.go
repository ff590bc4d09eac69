package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"nexus/localstack/emulator"
)

// deployment is one on LocalStack.
type deployment struct {
	cdk emulator.CDK
	out io.Writer
}

// deploy brings the app to LocalStack, in its container if it is an own one, and its functions to LocalStack's @connections.
func (d deployment) deploy(ctx context.Context, own bool, callback string) error {
	if err := prerequisites(ctx, own, os.Getenv); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "Building the functions for this machine.")
	if _, err := emulator.BuildFunctions(ctx, "linux", d.cdk.Dir); err != nil { // the container's system
		return err
	}
	if own {
		fmt.Fprintln(d.out, "Starting LocalStack.")
		if err := compose(ctx, "up", "--detach", "--wait"); err != nil {
			return err
		}
	}
	fmt.Fprintln(d.out, "make bootstrap")
	if err := d.cdk.Bootstrap(ctx); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "make deploy")
	made, _, err := d.cdk.Deploy(ctx)
	if err != nil {
		return err
	}
	if err := (localStack{d.cdk.Emulator}).redirect(ctx, callback, made.API()); err != nil {
		return err
	}
	url := d.cdk.WebSocket(made.API())
	fmt.Fprintf(d.out, "The bus listens on %s/v0 (the specification) and %s/v1 (Nexus 1.9); `make test-localstack` plays the transcripts there.\n",
		url, url)
	return nil
}

// prerequisites names all that is missing.
func prerequisites(ctx context.Context, own bool, env func(string) string) error {
	var missing []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			missing = append(missing, fmt.Errorf(format, args...))
		}
	}
	_, err := exec.LookPath("npx")
	need(err == nil, "npx is missing: install Node.js 20 or later")
	if own {
		need(env("LOCALSTACK_AUTH_TOKEN") != "", "LOCALSTACK_AUTH_TOKEN is not set: the token of a LocalStack account")
		if _, err := exec.LookPath("docker"); err != nil {
			need(false, "docker is missing")
		} else {
			need(exec.CommandContext(ctx, "docker", "compose", "version").Run() == nil, "docker compose is missing: Docker's plugin")
			need(exec.CommandContext(ctx, "docker", "info").Run() == nil, "docker does not answer: its daemon does not run, or is not this user's to use")
		}
	}
	return errors.Join(missing...)
}

func compose(ctx context.Context, arguments ...string) error {
	cmd := exec.CommandContext(ctx, "docker", append([]string{"compose", "--file", "localstack/compose.yaml"}, arguments...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
