package access

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
)

// Tags are the tags of a user: prefix → tag → JSON value. Prefixes are canonical, "." is the root, none is empty of
// tags; tags keep their case; values keep their bytes.
//
// Functions never change the Tags they are given. What they return may share values (not maps) with them.
type Tags map[string]map[string]json.RawMessage

// InForce is the tags in force on a name or path: those on itself, then on each shorter label prefix, then on ".", a
// later one replacing an earlier. So the shorter prefix wins, and "." over all. It is never nil.
func (t Tags) InForce(name string) map[string]json.RawMessage {
	set := map[string]json.RawMessage{}
	for prefix := range t.winners(name) {
		for tag, raw := range t[prefix] {
			if _, replaced := set[tag]; !replaced {
				set[tag] = raw
			}
		}
	}
	return set
}

// MoreOn reports whether tags allow something to be done to the user to that they do not allow on the user from: who might then rename the one to the other
// would have by it what that one has, by another's password or a login in its place.
func (t Tags) MoreOn(to, from string) bool {
	for tag := range t.InForce(to) {
		name, permission := strings.CutPrefix(tag, "@")
		ofUsers := name == "admin" || strings.HasPrefix(name, "user.") || strings.HasPrefix(name, "sys.session.")
		if permission && ofUsers && t.Allows(name, to) && !t.Allows(name, from) {
			return true
		}
	}
	return false
}

// winners yields the prefixes that bear on a name, from the one that wins over all: ".", a, a.b, a.b.c. On "", which is what listing everything is
// on, bear "." and "".
func (t Tags) winners(name string) func(yield func(prefix string) bool) {
	return func(yield func(string) bool) {
		if !yield(".") {
			return
		}
		everything := name == ""
		if name = strings.TrimRight(name, "."); name == "" {
			if everything {
				yield("")
			}
			return
		}
		for i := 0; i < len(name); i++ {
			if name[i] == '.' && !yield(name[:i]) {
				return
			}
		}
		yield(name)
	}
}

// inForce is one tag of InForce.
func (t Tags) inForce(tag, name string) (raw json.RawMessage, ok bool) {
	for prefix := range t.winners(name) {
		if raw, ok = t[prefix][tag]; ok {
			return raw, true
		}
	}
	return nil, false
}

// Allows says whether the tags in force on the subject, a name or path, give @method or @admin the value true or a
// number other than zero.
func (t Tags) Allows(method, subject string) bool {
	return t.grants("@"+method, subject) || t.grants("@admin", subject)
}

// AllowsAny says whether Allows is true on any subject at all. What is in force on a subject is in force on the prefix that says it too.
func (t Tags) AllowsAny(method string) bool {
	for prefix := range t {
		if t.Allows(method, prefix) {
			return true
		}
	}
	return false
}

// Denies says whether @method in force on the subject is explicitly false (or zero, as a number stands for a truth
// value). A call that needs no tag, such as user.setPass on oneself, is allowed unless it is denied and not allowed.
func (t Tags) Denies(method, subject string) bool {
	raw, ok := t.inForce("@"+method, subject)
	return ok && truth(raw) == no
}

type verdict int

const (
	neither verdict = iota
	yes
	no
)

// truth reads a tag as a truth value. A number is judged by its digits: as a float64, 1e-400 would be zero and 1e400
// nothing at all.
func truth(raw json.RawMessage) verdict {
	raw = bytes.TrimFunc(raw, func(r rune) bool { return r < 0x80 && isJSONSpace(byte(r)) })
	switch {
	case len(raw) == 0 || !json.Valid(raw):
		return neither
	case raw[0] == 't':
		return yes
	case raw[0] == 'f':
		return no
	case (value{raw: raw}).kind() != '0':
		return neither
	case decimalOf(raw).digits == "":
		return no
	}
	return yes
}

// Set is t with a set of tags merged into those on the prefix, which is canonical: objects merge deeply, other values
// replace. A set without tags makes no prefix.
func (t Tags) Set(prefix string, set map[string]json.RawMessage) Tags {
	out := t.clone()
	if len(set) == 0 {
		return out
	}
	if out[prefix] == nil {
		out[prefix] = make(map[string]json.RawMessage, len(set))
	}
	for tag, raw := range set {
		out[prefix][tag] = mergeValue(out[prefix][tag], raw)
	}
	return out
}

// mergeValue merges raw into old. What cannot be read, as nothing that went through ParseTags, is replaced.
func mergeValue(old, raw json.RawMessage) json.RawMessage {
	o, err := parse(old, MaxTagDepth)
	if err != nil {
		return raw
	}
	n, err := parse(raw, MaxTagDepth)
	if err != nil {
		return raw
	}
	return appendMerged(nil, o, n)
}

// Delete is t without the named tags on the prefix, which is canonical. Tags that are not there are no error; a prefix
// left empty goes.
func (t Tags) Delete(prefix string, names []string) Tags {
	out := t.clone()
	for _, name := range names {
		delete(out[prefix], name)
	}
	if len(out[prefix]) == 0 {
		delete(out, prefix)
	}
	return out
}

func (t Tags) clone() Tags {
	out := make(Tags, len(t))
	for prefix, set := range t {
		out[prefix] = maps.Clone(set)
	}
	return out
}
