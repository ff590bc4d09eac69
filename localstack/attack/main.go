// Command attack is an adversary: it plays the attacks of issue 9, and some findings of issue 10, over real WebSockets against a running bus, and prints
// what each got before they were mended, what it gets now, and whether that is within bounds. It ends with status 1 where it is not.
//
// It reaches nothing but the loopback interface of its own machine, and each attack is bounded in time; all take some five minutes. Without -url it builds
// the local stack and starts a new one for each attack; those of finding 7 are throttled as a deployment is. -program takes a stack that was built of another
// commit:
//
//	go build -o build/localstack ./localstack   # there
//	go run ./localstack/attack -program …/build/localstack
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"nexus/localstack/program"
)

// attackWithin is when an attack is given up that does not end.
const attackWithin = 150 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	held, err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "attack:", err)
		os.Exit(1)
	case !held:
		os.Exit(1)
	}
}

// run attacks, and reports whether all attacks were held within their bounds.
func run(ctx context.Context, args []string, out, progress io.Writer) (held bool, err error) {
	flags := flag.NewFlagSet("attack", flag.ContinueOnError)
	flags.SetOutput(progress)
	url := flags.String("url", "", "the bus without a stage, like ws://127.0.0.1:8080; empty builds the local stack and starts one for each attack")
	binary := flags.String("program", "", "a local stack that was built before, perhaps of another commit, to be started for each attack")
	user := flags.String("user", "root", "administrator, who makes the users of the attacks; with -url they stay")
	pass := flags.String("pass", "root", "the administrator's password")
	only := flags.String("only", "", "attacks to play, like 3 or 1a,7")
	if err := flags.Parse(args); err != nil {
		return false, flag.ErrHelp // the flags said what is wrong
	}
	if flags.NArg() > 0 {
		return false, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *url != "" && *binary != "" {
		return false, errors.New("-url and -program: one or the other")
	}
	some, err := chosen(*only)
	if err != nil {
		return false, fmt.Errorf("-only: %w", err)
	}
	at := func(context.Context, attack) (*target, func(), error) {
		return &target{url: *url, user: *user, pass: *pass, part: 1}, func() {}, nil
	}
	if *url != "" {
		if *url, err = loopback(*url); err != nil {
			return false, fmt.Errorf("-url: %w", err)
		}
	} else {
		p := program.Built(*binary)
		if *binary == "" {
			if p, err = program.Build(ctx); err != nil {
				return false, err
			}
		}
		defer p.Remove()
		at = func(ctx context.Context, a attack) (*target, func(), error) {
			s, err := started(ctx, p, a.throttled)
			if err != nil {
				return nil, nil, err
			}
			return &target{url: s.URL, user: *user, pass: *pass, pid: s.PID, part: 1}, func() { s.Stop() }, nil
		}
	}
	var outcomes []outcome
	for _, a := range some {
		fmt.Fprintf(progress, "%s: %s\n", a.number, a.name)
		o, err := play(ctx, a, at)
		if err != nil {
			_, failed := printTable(out, outcomes) // what is known so far
			return false, errors.Join(err, failed)
		}
		outcomes = append(outcomes, o)
	}
	return printTable(out, outcomes)
}

// started starts a stack, with a deployment's throttles or without. One of a commit that knew no throttles takes no flag for them.
func started(ctx context.Context, p *program.Program, throttled bool) (*program.Stack, error) {
	if !throttled {
		if s, err := p.Start(ctx, nil, "-rate", "0"); err == nil {
			return s, nil
		}
	}
	return p.Start(ctx, nil)
}

// play plays one attack. Its error is that there is no bus to attack, or that ctx ended.
func play(ctx context.Context, a attack, at func(context.Context, attack) (*target, func(), error)) (outcome, error) {
	t, stop, err := at(ctx, a)
	if err != nil {
		return outcome{}, err
	}
	defer stop()
	attacking, done := context.WithTimeout(ctx, attackWithin)
	defer done()
	got, err := a.run(attacking, t)
	return outcome{a, got, err}, ctx.Err()
}
