// Command bench measures a Nexus bus over real WebSockets, from a process of its own, at several numbers of clients, beside what Nexus on RethinkDB
// reached. A scenario is something that each client or pair of clients does again and again, waiting for its end before the next:
//
//   - pings: one client pings and is answered.
//   - tasks: a pusher pushes a task and gets its result; its worker pulls, answers and pulls again. Each pair has a prefix of its own, or all share
//     one.
//   - pipe messages: a writer's message reaches the reader of its pipe, who waits for it, and the write is answered.
//   - lock pairs: a client takes a lock that nobody else wants and gives it back.
//   - logins: a client connects, logs in with a password and closes.
//   - topic deliveries: one publisher, and subscribers that read their pipes. What counts is each publication's arrival in each pipe's read; it takes
//     as long as from before the publication to there. The publisher awaits each publication's answer, and stops while the slowest subscriber is 8
//     behind. That each gets every one once and in order is checked.
//
// With an empty -url it builds the local stack and runs it on a free port of the loopback interface, with a fan-out that is not held back
// (NEXUS_FANOUT_RATE): a new one for each measurement, which repair of what an earlier one did would disturb (half a minute later it reads all that
// changed). What it costs in the long run shows by -warm 40s.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"nexus/localstack/program"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	url := flags.String("url", "", "the bus with its stage, like ws://127.0.0.1:8080/v0; empty builds and runs the local stack")
	user := flags.String("user", "root", "administrator, who makes the users of the measurement and deletes them")
	pass := flags.String("pass", "root", "the administrator's password")
	pairs := flags.String("pairs", "1,16,64", "numbers of pairs, or of clients where one does it alone")
	subscribers := flags.String("subscribers", "1,10,100", "numbers of subscribers of a topic")
	only := flags.String("only", "", "a regular expression: measure only scenarios whose name it matches")
	last := flags.Duration("for", 5*time.Second, "how long each measurement lasts")
	warm := flags.Duration("warm", time.Second, "how long each runs before it counts")
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp // the flags said what is wrong
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if *last <= 0 || *warm < 0 {
		return fmt.Errorf("-for %v and -warm %v: a positive time and one that is not negative", *last, *warm)
	}
	counts, err := numbers(*pairs)
	if err != nil {
		return fmt.Errorf("-pairs: %w", err)
	}
	audiences, err := numbers(*subscribers)
	if err != nil {
		return fmt.Errorf("-subscribers: %w", err)
	}
	names, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	if !slices.ContainsFunc(scenarios(), func(s scenario) bool { return names.MatchString(s.name) }) && !names.MatchString(deliveries) {
		return fmt.Errorf("-only %s: no scenario's name matches", *only)
	}

	b := &bench{user: *user, pass: *pass, warm: *warm, last: *last, only: names,
		bus: func(context.Context) (string, func(), error) { return *url, func() {}, nil }}
	processor := func() string { return "" }
	if *url == "" {
		p, err := program.Build(ctx)
		if err != nil {
			return err
		}
		defer p.Remove()
		processor = func() string { return used(p) }
		b.bus = func(ctx context.Context) (string, func(), error) { return start(ctx, p) }
	}
	results, err := b.run(ctx, counts, audiences)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(os.Stdout, results)
	}
	if err := printTable(os.Stdout, results); err != nil {
		return err
	}
	_, err = fmt.Fprint(os.Stdout, processor())
	return err
}

// numbers reads a list like 1,16,64.
func numbers(list string) ([]int, error) {
	var ns []int
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 || n > maxPairs {
			return nil, fmt.Errorf("%q is no number from 1 to %d", s, maxPairs)
		}
		ns = append(ns, n)
	}
	return ns, nil
}
