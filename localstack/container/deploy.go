package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"nexus/pkg/nexus"
)

// cdkVersion is that of the CDK's command line, which the make targets of deployments have too.
const cdkVersion = "2.1147.0"

// deployment is one on LocalStack.
type deployment struct {
	emulator emulator
	out      io.Writer
}

// outputs are the stack's.
type outputs struct{ UrlV0, RootSecret string }

// api is the id of the API, from an address of AWS's form: wss://<api>.execute-api.…/<stage>.
func (o outputs) api() string {
	host, _, _ := strings.Cut(strings.TrimPrefix(o.UrlV0, "wss://"), ".execute-api.")
	return host
}

func readOutputs() (outputs, error) {
	text, err := os.ReadFile(filepath.Join(folder, "outputs.json"))
	if err != nil {
		return outputs{}, err
	}
	var stacks map[string]outputs
	if err := json.Unmarshal(text, &stacks); err != nil {
		return outputs{}, err
	}
	for _, o := range stacks {
		if len(stacks) == 1 && o.UrlV0 != "" && o.RootSecret != "" {
			return o, nil
		}
	}
	return outputs{}, errors.New("outputs.json is not of one stack of a bus")
}

// deploy brings the app to LocalStack, in its container if it is an own one, and its functions to LocalStack's @connections.
func (d deployment) deploy(ctx context.Context, own bool, callback string) error {
	if err := prerequisites(ctx, own, os.Getenv); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "Building the functions for this machine.")
	if err := buildFunctions(ctx); err != nil {
		return err
	}
	if own {
		fmt.Fprintln(d.out, "Starting LocalStack.")
		if err := compose(ctx, "up", "--detach", "--wait"); err != nil {
			return err
		}
	}
	for _, arguments := range [][]string{
		{"bootstrap", "aws://" + account + "/" + region},
		{"deploy", "--require-approval", "never", "--outputs-file", filepath.Join(folder, "outputs.json")},
	} {
		fmt.Fprintf(d.out, "cdk %s\n", arguments[0])
		if err := d.cdk(ctx, arguments...); err != nil {
			return err
		}
	}
	made, err := readOutputs()
	if err != nil {
		return err
	}
	if err := d.emulator.redirect(ctx, callback, made.api()); err != nil {
		return err
	}
	url := d.emulator.webSocket(made.api())
	fmt.Fprintf(d.out, "The bus listens on %s/v0 (the specification) and %s/v1 (Nexus 1.9); `make test-localstack` plays the transcripts there.\n", url, url)
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

// buildFunctions makes the functions' zips as `make build` does, but for this machine's processor.
func buildFunctions(ctx context.Context) error {
	bundle := []string{"run", "./localstack/bundle", "-limit", "20000000"}
	for _, name := range append(nexus.Functions(), nexus.FunctionSetup) {
		out := filepath.Join(folder, name)
		cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
			"-o", filepath.Join(out, "bootstrap"), "./functions/"+name)
		cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+runtime.GOARCH, "CGO_ENABLED=0")
		if err := show(cmd); err != nil {
			return err
		}
		bundle = append(bundle, out)
	}
	return show(exec.CommandContext(ctx, "go", bundle...))
}

func compose(ctx context.Context, arguments ...string) error {
	cmd := exec.CommandContext(ctx, "docker", append([]string{"compose", "--file", "localstack/compose.yaml"}, arguments...)...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

// cdk runs the CDK's command line on the app, against LocalStack and nothing else: no profile, no credentials of the user's reach it.
func (d deployment) cdk(ctx context.Context, arguments ...string) error {
	cmd := exec.CommandContext(ctx, "npx", append([]string{"--yes", "aws-cdk@" + cdkVersion, "--no-notices", "--progress", "events",
		"--context", "build=" + folder, "--context", "removal=destroy", "--output", filepath.Join(folder, "cdk.out")}, arguments...)...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL="+d.emulator.url, "AWS_ENDPOINT_URL_S3="+d.emulator.url, "AWS_ACCESS_KEY_ID="+key, "AWS_SECRET_ACCESS_KEY="+key,
		"AWS_REGION="+region, "AWS_DEFAULT_REGION="+region, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true")
	return show(cmd)
}

// show runs a program, and shows what it said only if it failed.
func show(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}
