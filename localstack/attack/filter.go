package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"nexus/pkg/client"
)

// filters are finding 4's, and others that a bound of their length alone would let through.
func filters() map[string]string {
	return map[string]string{
		"folded classes":          strings.Repeat(`(?i)[\x{100}-\x{10ffff}]`, 3500),
		"repeats":                 strings.Repeat(`x{1000}`, 3300),
		"folded classes, short":   strings.Repeat(`(?i)[\x{100}-\x{10ffff}]`, 10),
		"repeats, short":          strings.Repeat(`x{1000}`, 36),
		"repeated classes, short": strings.Repeat(`(?i:\pL{500})`, 19),
		"nested repeats, short":   strings.Repeat("(", 80) + "x{1000}" + strings.Repeat("?)", 80),
		"negated classes, short":  strings.Repeat(`[^\pL\pN]{333}`, 18),
		"nested groups":           strings.Repeat("(", 900) + strings.Repeat(")", 900),
	}
}

// filterTime is finding 4 by the clock: the longest that the bus worked on a filter, of a stranger or of a user who may list.
func filterTime(ctx context.Context, t *target) (got, error) {
	longest, which := time.Duration(0), ""
	err := filtered(ctx, t, filters(), func(name string, call func() error) {
		began := time.Now()
		_ = call() // refused or not
		if took := time.Since(began); took > longest {
			longest, which = took, name
		}
	})
	return got{value: longest.Seconds(), note: which}, err
}

// filterMemory is finding 4 by what the process grew to.
func filterMemory(ctx context.Context, t *target) (got, error) {
	try := func(_ string, call func() error) { _ = call() } // refused or not
	// The same calls and logins with filters that harm nobody take memory too, for passwords above all.
	harmless := map[string]string{}
	for name := range filters() {
		harmless[name] = "x"
	}
	if err := filtered(ctx, t, harmless, try); err != nil {
		return got{}, err
	}
	before, err := t.peak()
	if err != nil {
		return got{}, err
	}
	if err := filtered(ctx, t, filters(), try); err != nil {
		return got{}, err
	}
	after, err := t.peak()
	return got{value: float64(after-before) / 1024}, err
}

// filtered has each filter tried by all who may be tempted.
func filtered(ctx context.Context, t *target, all map[string]string, try func(name string, call func() error)) error {
	root, err := t.root(ctx)
	if err != nil {
		return err
	}
	defer root.Close()
	user, m, err := t.as(ctx, root, tags{"x": {"@task.list": true, "@topic.list": true, "@user.list": true}})
	if err != nil {
		return err
	}
	defer user.Close()
	admin, err := t.login(ctx, stranger, t.user, t.pass)
	if err != nil {
		return err
	}
	defer admin.Close()
	nobody, err := t.dial(ctx, stranger)
	if err != nil {
		return err
	}
	defer func() { nobody.Close() }()
	for name, filter := range all {
		if len(filter) > 256 && t.part < 1 {
			continue // they take seconds
		}
		call := func(who string, c *client.Client, method string, params object) {
			try(name+", "+method+" of "+who, func() error {
				calling, done := context.WithTimeout(ctx, answerWithin)
				defer done()
				return c.Call(calling, method, params, nil)
			})
		}
		call("a stranger", nobody, "task.list", object{"prefix": "x", "filter": filter})
		if nobody.Err() != nil {
			if nobody, err = t.dial(ctx, stranger); err != nil {
				return err
			}
		}
		call("a user", user, "task.list", object{"prefix": "x", "filter": filter})
		call("a user", user, "user.list", object{"prefix": "x", "filter": filter})
		call("an administrator", admin, "user.addBlacklist", object{"user": m.user, "ip": filter})
		try(name+", login of a user with it in a list", func() error {
			again, err := t.login(ctx, "", m.user, m.pass)
			if err == nil {
				err = again.Close()
			}
			return err
		})
		call("an administrator", admin, "user.delBlacklist", object{"user": m.user, "ip": filter})
	}
	return nil
}

// errNoMemory says that a measurement of memory cannot be made.
var errNoMemory = errors.New("memory can be looked at only of a stack that this program started, on Linux")

// peak is the most memory that the stack's process had, in KB.
func (t *target) peak() (int, error) {
	if t.pid == 0 {
		return 0, errNoMemory
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", t.pid))
	if err != nil {
		return 0, errNoMemory
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
		}
	}
	return 0, errNoMemory
}
