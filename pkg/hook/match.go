package hook

import (
	"slices"
	"strings"
)

// The kinds of what events are about.
const (
	Task = "task"
	User = "user"
)

const (
	// label is the first label of every topic of events.
	label    = "hook"
	wildcard = "*"
	// deepest is the number of labels of a name that are looked at for wildcards: what is subscribed to is looked up name by name.
	deepest = 16
)

// topic is what an event is published on. Its parts are its kind, its path and its user.
func topic(parts []string) string { return label + "." + strings.Join(parts, "|") }

// Patterns returns what a subscription may be to in order to take an event, by the event's parts: each once, always in the same order, at most 384.
// It is what topics ask for a publication that has parts; other parts match nothing.
func Patterns(parts []string) []string {
	if len(parts) != 3 {
		return nil
	}
	kind := label + "." + parts[0]
	all := []string{wildcard, label + "." + wildcard, kind + "." + wildcard, kind}
	for _, path := range names(parts[1]) {
		all = append(all, kind+"|"+path)
	}
	users := names(parts[2])
	for _, path := range names(parts[1]) {
		for _, user := range users {
			all = append(all, kind+"|"+path+"|"+user)
		}
	}
	return all
}

// names returns a name and the wildcards that take it.
func names(name string) []string {
	all := []string{name}
	add := func(n string) {
		if !slices.Contains(all, n) { // a name's own last label may be a *
			all = append(all, n)
		}
	}
	labels := 0
	for i, c := range name {
		if c != '.' {
			continue
		}
		if labels++; labels > deepest {
			break
		}
		add(name[:i+1] + wildcard)
	}
	if labels < deepest {
		add(name + "." + wildcard)
	}
	add(wildcard)
	add("." + wildcard)
	return all
}
