package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"nexus/localstack/stack"
)

// Each attack is carried out once, small, against a stack in this process. What it gets is held only where that is no matter of time.
func TestEachAttack(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	for _, a := range attacks() {
		t.Run(a.number, func(t *testing.T) {
			t.Parallel()
			s, err := stack.Start(t.Context(), stack.Config{Listen: "127.0.0.1:0"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			o, err := play(t.Context(), a, func(context.Context, attack) (*target, func(), error) {
				return &target{url: "ws://" + s.Addr, user: "root", pass: "root", part: 0.02}, func() {}, nil
			})
			switch {
			case err != nil:
				t.Fatal(err)
			case errors.Is(o.err, errNoMemory):
			case o.err != nil:
				t.Error(o.err)
			case a.unit == "" && !o.held():
				t.Errorf("it gets %v, at most %v is right: %s", o.got.value, a.bound, o.got.note)
			}
		})
	}
}

func TestNothingButLoopback(t *testing.T) {
	for raw, ok := range map[string]bool{
		"ws://127.0.0.1:8080": true, "ws://127.9.9.9:1/": true, "ws://[::1]:8080": true, "ws://localhost:8080": true,
		"ws://10.0.0.1:8080": false, "ws://0.0.0.0:8080": false, "ws://example.com": false, "wss://127.0.0.1:8080": false, "http://127.0.0.1": false,
		"ws://127.0.0.1:8080/v0": false, "ws://127.0.0.1.example.com:1": false, "ws://a@127.0.0.1:1": false, "": false, "127.0.0.1:8080": false,
	} {
		if _, err := loopback(raw); (err == nil) != ok {
			t.Errorf("%s: %v", raw, err)
		}
	}
	// A name may point anywhere: what is dialed is looked at again, before a packet goes out.
	for address, ok := range map[string]bool{"127.0.0.1:80": true, "[::1]:80": true, "192.0.2.1:80": false, "[2001:db8::1]:80": false} {
		if err := onlyLoopback("tcp", address, nil); (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
	var refused *net.OpError
	if _, err := from("", false).Get("http://192.0.2.1/"); !errors.As(err, &refused) || !strings.Contains(err.Error(), "is not of the loopback interface") {
		t.Error(err)
	}
}

func TestArguments(t *testing.T) {
	for args, says := range map[string]string{
		"more":                                `unexpected argument "more"`,
		"-only 3,nosuch":                      `"nosuch" is no attack; there are 1a, 1b`,
		"-url ws://10.0.0.1:8080":             "nothing but the loopback interface",
		"-url ws://127.0.0.1:1 -program x":    "one or the other",
		"-program nowhere/localstack -only 5": "nowhere/localstack",
	} {
		if _, err := run(t.Context(), strings.Fields(args), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, expected %q", args, err, says)
		}
	}
	if _, err := run(t.Context(), []string{"-nosuch"}, io.Discard, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Error(err)
	}
}

func TestChosen(t *testing.T) {
	for list, want := range map[string]string{"": numbers(attacks()), "3": "3", "6": "6a, 6b", "1b, 1": "1a, 1b", "5,2a": "2a, 5", "10.2": "10.2", "10": "10.2, 10.12, 10.13"} {
		some, err := chosen(list)
		if got := numbers(some); err != nil || got != want {
			t.Errorf("%q: %s %v, expected %s", list, got, err, want)
		}
	}
}

func TestTable(t *testing.T) {
	a := attack{number: "9", name: "something", unit: "s", before: 84, bound: 5}
	for _, c := range []struct {
		o    outcome
		held bool
		says []string
	}{
		{outcome{a, got{value: 5, note: "well"}, nil}, true, []string{"84 s", " 5 s", "held", "well"}},
		{outcome{a, got{value: 5.25}, nil}, false, []string{"5.2 s", "NOT HELD"}},
		{outcome{attack{bound: none}, got{value: 7}, nil}, true, []string{"7", "no bound", "shown"}},
		{outcome{a, got{}, errors.New("no bus")}, false, []string{"?", "NOT TRIED: no bus"}},
	} {
		var out strings.Builder
		held, err := printTable(&out, []outcome{c.o})
		if err != nil || held != c.held {
			t.Errorf("%v %v\n%s", held, err, &out)
		}
		for _, s := range append(c.says, commit) {
			if !strings.Contains(out.String(), s) {
				t.Errorf("%q is not in\n%s", s, &out)
			}
		}
	}
	for want, got := range map[string]string{"0.015 s": number(0.0154, "s"), "3.4 ms": number(3.44, "ms"), "833 MB": number(833.2, "MB"), "2.1×": number(2.1, "×"), "7": number(7, "")} {
		if got != want {
			t.Errorf("%s, expected %s", got, want)
		}
	}
}

// An attack that does not end is given up, and said to have been.
func TestGivenUp(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	waits := attack{run: func(ctx context.Context, _ *target) (got, error) { stop(); <-ctx.Done(); return got{}, ctx.Err() }}
	began := time.Now()
	_, err := play(ctx, waits, func(context.Context, attack) (*target, func(), error) { return &target{}, func() {}, nil })
	if !errors.Is(err, context.Canceled) || time.Since(began) > attackWithin {
		t.Error(err)
	}
}
