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
	// longestTopic is how long a topic may be that somebody subscribes to, in bytes, as every name.
	longestTopic = 500
)

// topic is what an event is published on. Its parts are its kind, its path and its user.
func topic(parts []string) string {
	all := []string{label + "." + parts[0]}
	for _, part := range parts[1:] {
		all = append(all, escape(part))
	}
	return strings.Join(all, "|")
}

// escape writes a name as a part of a topic: a | in it, which is none between parts, gets a \ before it, and so does a \ itself. Else who may hear of one name
// would hear of another's part that looks like the end of his.
func escape(name string) string { return strings.NewReplacer(`\`, `\\`, `|`, `\|`).Replace(name) }

// Patterns returns what a subscription may be to in order to take an event, by the event's parts: each once, always in the same order, at most 383.
// It is what topics ask for a publication that has parts; other parts match nothing.
func Patterns(parts []string) []string {
	if len(parts) != 3 {
		return nil
	}
	kind := label + "." + parts[0]
	all := []string{label + "." + wildcard, kind + "." + wildcard, kind}
	add := func(pattern string) {
		if len(pattern) <= longestTopic { // nobody can subscribe to what is longer
			all = append(all, pattern)
		}
	}
	paths, users := names(escape(parts[1])), names(escape(parts[2]))
	for _, path := range paths {
		add(kind + "|" + path)
	}
	for _, path := range paths {
		for _, user := range users {
			add(kind + "|" + path + "|" + user)
		}
	}
	return all
}

// Hears reports whether a subscription to a pattern may take an event, as Patterns has it: it names a kind, or all, and no more parts than there are.
func Hears(pattern string) bool {
	rest, ok := strings.CutPrefix(pattern, label+".")
	if !ok || rest == wildcard {
		return ok
	}
	kind, rest, more := strings.Cut(rest, "|")
	if !more {
		kind, _ = strings.CutSuffix(kind, "."+wildcard)
	}
	if kind != Task && kind != User || !more {
		return kind == Task || kind == User
	}
	path, rest, ok := cutPart(rest)
	if !ok || path == "" {
		return false
	}
	if rest == "" {
		return true
	}
	user, rest, ok := cutPart(rest[1:])
	return ok && user != "" && rest == ""
}

// cutPart cuts a part from what stands before the next | that is none of a name; ok is false where a \ escapes nothing.
func cutPart(s string) (part, rest string, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '|':
			return s[:i], s[i:], true
		case '\\':
			if i++; i == len(s) || s[i] != '\\' && s[i] != '|' {
				return "", "", false
			}
		}
	}
	return s, "", true
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
