// Command wscat is a WebSocket client for a terminal: each line typed is a message, each message that comes is a line.
//
//	go run ./localstack/wscat ws://127.0.0.1:8080/v0
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"nexus/localstack/transcript"
)

func main() {
	pace := flag.Duration("pace", time.Second, "the bus takes messages of a connection side by side, so a line is sent once a message came since the "+
		"line before, or after this long")
	wait := flag.Duration("wait", 2*time.Second, "at the end of the input, leave once no message has come for this long")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: wscat [flags] ws://host:port/stage")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := talk(ctx, flag.Arg(0), os.Stdin, os.Stdout, *pace, *wait); err != nil {
		fmt.Fprintln(os.Stderr, "wscat:", err)
		stop()
		os.Exit(1)
	}
}

// talk sends the lines of in to url and writes what comes to out, until in ends and nothing has come for wait, or ctx ends.
func talk(ctx context.Context, url string, in io.Reader, out io.Writer, pace, wait time.Duration) error {
	dial, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := (&transcript.WebSocket{URL: url}).Dial(dial, "")
	if err != nil {
		return fmt.Errorf("cannot connect to %s (is the bus running?): %w", url, err)
	}
	came, ended := make(chan struct{}), make(chan error, 1)
	ctx, cancel = context.WithCancel(ctx)
	defer cancel()
	go func() { ended <- receive(ctx, conn, out, came) }()
	err = converse(ctx, conn, read(ctx, in), came, ended, pace, wait)
	if err != nil && ctx.Err() == nil {
		return err
	}
	return conn.Close() // the end of the input or an interrupt
}

// converse sends lines until they end and nothing has come for wait.
func converse(ctx context.Context, conn transcript.Conn, lines <-chan string, came <-chan struct{}, ended <-chan error,
	pace, wait time.Duration) error {
	for {
		select {
		case line, more := <-lines:
			if !more {
				return quiet(came, ended, wait)
			}
			if err := conn.Send([]byte(line)); err != nil {
				return err
			}
			if err := first(came, ended, pace); err != nil {
				return err
			}
		case <-came:
		case err := <-ended: // an interrupt too
			return err
		}
	}
}

// receive writes the messages that come, and tells came of each.
func receive(ctx context.Context, conn transcript.Conn, out io.Writer, came chan<- struct{}) error {
	for {
		message, err := conn.Receive(ctx)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s\n", message); err != nil {
			return err
		}
		select {
		case came <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read returns the lines of in that are not empty, and closes the channel at its end.
func read(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		r := bufio.NewReader(in)
		for {
			line, err := r.ReadString('\n') // a message may be longer than a Scanner's line
			if line = strings.TrimSpace(line); line != "" {
				select {
				case lines <- line:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return lines
}

// first waits for a message, at most for pace.
func first(came <-chan struct{}, ended <-chan error, pace time.Duration) error {
	select {
	case <-came:
		return nil
	case <-time.After(pace):
		return nil
	case err := <-ended:
		return err
	}
}

// quiet waits until no message has come for wait.
func quiet(came <-chan struct{}, ended <-chan error, wait time.Duration) error {
	for {
		select {
		case <-came:
		case <-time.After(wait):
			return nil
		case err := <-ended:
			return err
		}
	}
}
