// Command bench measures a Nexus bus over real WebSockets, from a process of its own: pings and task round trips per second, at several numbers of
// pairs of a pusher and a worker, beside what Nexus on RethinkDB reached.
//
// A ping pair is one client that pings and waits for the answer, again and again. In a task pair the worker pulls a task, answers it and pulls
// again; the pusher pushes one and waits for its result before the next. Each pair has a prefix of its own, or all share one.
//
// With an empty -url it builds the local stack, runs it on a free port of the loopback interface and stops it at the end.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	url := flags.String("url", "", "the bus with its stage, like ws://127.0.0.1:8080/v0; empty builds and runs the local stack")
	user := flags.String("user", "root", "administrator, who makes the users of the measurement and deletes them")
	pass := flags.String("pass", "root", "the administrator's password")
	pairs := flags.String("pairs", "1,16,64", "numbers of pairs")
	last := flags.Duration("for", 5*time.Second, "how long each measurement lasts")
	warm := flags.Duration("warm", time.Second, "how long each runs before it counts")
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return err
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

	used := func() string { return "" }
	if *url == "" {
		stack, err := startStack(ctx)
		if err != nil {
			return err
		}
		defer stack.stop()
		*url, used = stack.url+"/v0", stack.used
	}
	b := &bench{url: *url, user: *user, pass: *pass, warm: *warm, last: *last}
	results, err := b.run(ctx, counts)
	if err != nil {
		return err
	}
	if *asJSON {
		return printJSON(os.Stdout, results)
	}
	if err := printTable(os.Stdout, results); err != nil {
		return err
	}
	_, err = fmt.Fprint(os.Stdout, used())
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
