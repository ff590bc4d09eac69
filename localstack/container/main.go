// Command container deploys the CDK app of infra, as it is, to LocalStack in its container (localstack/compose.yaml), and plays the transcripts
// there:
//
//	LOCALSTACK_AUTH_TOKEN=… go run ./localstack/container deploy
//	go run ./localstack/container test
//	go run ./localstack/container down
//
// deploy may be repeated: it updates. It says what it needs if that is missing: Docker with compose, Node with npx, and a token of a LocalStack
// account whose plan has WebSocket APIs. What is done here that a deployment to AWS does not need, all of it outside the app:
//
//   - the functions are built for this machine's processor, since an arm64 program does not run on another;
//   - they are told afterwards where LocalStack has @connections, for AWS's address of them has a certificate there that they do not trust.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"nexus/localstack/emulator"
	"nexus/localstack/transcript"
)

// folder is where what deploy builds and writes is, from the top of the repository.
const folder = "build/localstack"

// How a container of LocalStack is reached from this machine, and how by the functions, whose containers it gives a name server of its own.
const (
	fromHere      = "http://127.0.0.1:4566"
	fromFunctions = "http://localhost.localstack.cloud:4566"
)

var errFailed = errors.New("transcripts failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "container:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, help io.Writer) error {
	flags := flag.NewFlagSet("container", flag.ContinueOnError)
	flags.SetOutput(help)
	flags.Usage = func() {
		fmt.Fprintln(help, "usage: container [flags] deploy|test|down, at the top of the repository")
		flags.PrintDefaults()
	}
	url := flags.String("endpoint", "", "a LocalStack that runs already, instead of the container")
	callback := flags.String("callback", fromFunctions, "with deploy: where functions reach LocalStack")
	together := flags.Int("together", 4, "with test: transcripts played side by side")
	patience := flags.Duration("patience", 30*time.Second, "with test: play transcripts that move the clock by at most this, in real time")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp // the flags said what is wrong
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return flag.ErrHelp
	}
	if err := idle(flags); err != nil {
		return err
	}
	if *together < 1 {
		return fmt.Errorf("-together %d: at least 1", *together)
	}
	own := *url == ""
	if own {
		*url = fromHere
	}
	dir, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	d := deployment{cdk: emulator.CDK{Root: ".", Dir: dir, Env: os.Environ(), Emulator: emulator.Emulator{URL: *url}}, out: out}
	switch flags.Arg(0) {
	case "deploy":
		return d.deploy(ctx, own, *callback)
	case "test":
		return d.test(ctx, transcript.Suite{Together: *together, Patience: *patience})
	case "down":
		if !own {
			return errors.New("down ends the container; what runs at an -endpoint is somebody else's")
		}
		return compose(ctx, "down", "--volumes")
	}
	flags.Usage()
	return flag.ErrHelp
}

// idle refuses flags that another command than the one given goes by.
func idle(flags *flag.FlagSet) error {
	var refused []error
	flags.Visit(func(f *flag.Flag) {
		command, only := map[string]string{"callback": "deploy", "together": "test", "patience": "test"}[f.Name]
		if only && command != flags.Arg(0) {
			refused = append(refused, fmt.Errorf("-%s is for %s, not for %s", f.Name, command, flags.Arg(0)))
		}
	})
	return errors.Join(refused...)
}

// test plays the suite against what was deployed.
func (d deployment) test(ctx context.Context, suite transcript.Suite) error {
	made, err := d.cdk.Outputs()
	if err != nil {
		return fmt.Errorf("nothing is deployed (`make localstack-deploy` does): %w", err)
	}
	user, pass, err := d.cdk.Secret(ctx, made.Secret)
	if err != nil {
		return err
	}
	if suite.Scripts, err = transcript.ReadAll("pkg/nexus/testdata"); err != nil {
		return err
	}
	suite.Each = func(r transcript.Result) { fmt.Fprintln(d.out, r) }
	report := suite.Play(ctx, &transcript.WebSocket{URL: d.cdk.WebSocket(made.API()), User: user, Pass: pass, Clock: transcript.Sleep})
	fmt.Fprintln(d.out, report)
	if len(report.Failed()) > 0 {
		return errFailed
	}
	return ctx.Err()
}
