package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// commit is the one that the findings were made at.
const commit = "1455969"

// attack is one thing that an attacker does. What he gets is a number: the less, the better for everybody else.
type attack struct {
	number string // of the finding in issue 9 and a letter, or of that in issue 10
	name   string // what the number counts
	unit   string
	before float64 // what it got at the commit, as this program measured it on two cores, busy with other things besides; 30 s for a filter is where it gave up
	bound  float64 // the most that it may get
	run    func(context.Context, *target) (got, error)
	// throttled says that the stack has the throttles of a deployment. They are lifted where they would keep an attack from what it is after only for as
	// long as the attack lasts here.
	throttled bool
}

// got is what an attack got.
type got struct {
	value float64
	note  string
}

// Issue 9 has more for its finding 3: 3.7 ms that became 19.4 s, on a machine with nothing else to do. On a busy one this program never got beyond 1.9 times,
// and 2.5 s for the slowest.

// none is the bound of what API Gateway's throttles leave open, which know routes and no clients: it is shown, and not judged. What comes first takes
// the room of a route, $connect's too, and no function hears of what was refused.
const none = -1

// Bounds are the where it has a number; where it has none they are what one client may cost another.
func attacks() []attack {
	return []attack{
		{"1a", "ways to become root by vouching for oneself", "", 5, 0, vouch, false},
		{"1b", "tasks that 50 logins by a method of nobody's left", "", 50, 0, unserved, false},
		{"2a", "others' time-outs late, by a stranger who does not read", "s", 32.5, 5, deadlines, false},
		{"2b", "others' time-outs late, by a pusher who does not read", "s", 24.7, 5, pushersDeadlines, false},
		{"3", "times as long for a delivery to 99 subscribers beside one who does not read", "×", 1.9, 3, subscriber, false},
		{"4a", "longest work on a filter", "s", 30, 0.5, filterTime, false},
		{"4b", "memory for filters", "MB", 746, 64, filterMemory, false},
		{"5", "connids of others told by kick", "", 11, 0, oracle, false},
		{"6a", "ways to forge an answer", "", 5, 0, forge, false},
		{"6b", "pages of the web that log in", "", 5, 0, origins, false},
		{"7a", "another's slowest login beside 400 logins and pings of one connection", "s", 10, 1, logins, true},
		{"7b", "another's slowest login beside 400 connections that log in each second", "s", 8.9, none, manyLogins, true},
		{"7c", "another's ping beside as many as one connection sends", "ms", 154, 20, pings, true},
		{"7d", "stored in a pipe by a stranger", "MB", 54, 0, strangersPipe, true},
		{"7e", "stored in a pipe by a user in 5 s", "MB", 67.6, 67.2, usersPipe, true},
		{"7f", "pipes of a stranger", "", 6047, 0, strangersPipes, true},
		{"7g", "pipes of a user in 2 s", "", 7052, 1000, usersPipes, true},
		{"7h", "login tasks of 118 KB of a stranger in 3.5 s", "", 286, 0, loginTasks, true},
		{"7i", "of 10 calls over 4 KB before a login, let in", "", 10, 0, large, true},
		{"8", "task.list after 6,000 paths that are empty", "ms", 204, 50, emptyPaths, false},
		{"10.2", "times as long for a task beside a subscription to * and hook.github", "×", 2.1, 1.5, hooks, false},
		{"10.12", "workers ended by one result over 32 KB", "", 5, 1, fleet, false},
		{"10.13", "detached pushes lost by a close right after them", "", 108, 0, sentAndClosed, false},
	}
}

// chosen returns the attacks that a list names: "3,7a"; a finding's number stands for all of its letters, 10 for issue 10's. Empty is all.
func chosen(list string) ([]attack, error) {
	all := attacks()
	if list == "" {
		return all, nil
	}
	var some []attack
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		n := len(some)
		for _, a := range all {
			if a.number == name || strings.TrimRight(a.number, "abcdefghi") == name || strings.HasPrefix(a.number, name+".") {
				some = append(some, a)
			}
		}
		if len(some) == n {
			return nil, fmt.Errorf("%q is no attack; there are %s", name, numbers(all))
		}
	}
	slices.SortStableFunc(some, func(a, b attack) int { return slices.IndexFunc(all, a.is) - slices.IndexFunc(all, b.is) })
	return slices.CompactFunc(some, func(a, b attack) bool { return a.number == b.number }), nil
}

func (a attack) is(b attack) bool { return a.number == b.number }

func numbers(all []attack) string {
	var list []string
	for _, a := range all {
		list = append(list, a.number)
	}
	return strings.Join(list, ", ")
}
