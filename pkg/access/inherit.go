package access

import (
	"encoding/json"
	"slices"
	"strings"
)

// Inherit is own with the tags of the templates where own, and then an earlier template, has no such tag on that
// prefix. Whole tags are inherited: objects do not merge.
func Inherit(own Tags, templates ...Tags) Tags {
	out := own.clone()
	for _, template := range templates {
		for prefix, set := range template {
			if out[prefix] == nil && len(set) > 0 {
				out[prefix] = make(map[string]json.RawMessage, len(set))
			}
			for tag, raw := range set {
				if _, has := out[prefix][tag]; !has {
					out[prefix][tag] = raw
				}
			}
		}
	}
	return out
}

// A Holder is what Effective needs of a user, as itself or as a template of another.
type Holder struct {
	Tags      Tags
	Templates []string // user names, in the order they were added
}

// Effective is the tags of a user with all it inherits: its own, then those of its templates in order, each followed by
// what it inherits itself, each user counting once, at its first place. Names that lookup does not find are ignored,
// the user too: it then has no tags.
//
// lookup is called once per level of templates with the names that are new on it, in the order met and never twice the
// same, so that a caller fetches a level in batches; it leaves out who does not exist. Its error ends Effective. The
// first call asks for the user alone. The names asked for are as many as the users that can be reached.
func Effective(user string, lookup func(names []string) (map[string]Holder, error)) (Tags, error) {
	found := map[string]Holder{}
	asked := map[string]bool{user: true}
	for level := []string{user}; len(level) > 0; {
		holders, err := lookup(slices.Clone(level))
		if err != nil {
			return nil, err
		}
		var next []string
		for _, name := range level {
			holder, ok := holders[name]
			if !ok {
				continue
			}
			found[name] = holder
			for _, template := range holder.Templates {
				if !asked[template] {
					asked[template] = true
					next = append(next, template)
				}
			}
		}
		level = next
	}

	// Precedence is depth first, as in Nexus, though the reading is level by level: a template's own templates come
	// before the user's next template. A stack, since a chain of templates may be as long as the users are many.
	var chain []Tags
	seen := map[string]bool{}
	for stack := []string{user}; len(stack) > 0; {
		name := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[name] {
			continue
		}
		seen[name] = true
		chain = append(chain, found[name].Tags)
		for _, template := range slices.Backward(found[name].Templates) {
			stack = append(stack, template)
		}
	}
	return Inherit(nil, chain...), nil
}

// Mask is the tags that mask holds too, on the same prefix and with an equal value: equal as JSON, not as bytes (1 and
// 1.0, members in any order). What takes a permission away stays too, be it in the mask or not: a tag that begins with @ and is neither true nor a number
// other than zero. Without it a tag on a longer prefix, or what needs no tag, would be allowed which is not. Of all other tags a mask without
// any, nil too, leaves nothing: where no mask was given do not call it.
func Mask(tags, mask Tags) Tags {
	out := Tags{}
	for prefix, set := range tags {
		for tag, raw := range set {
			other, ok := mask[prefix][tag]
			if withholds := strings.HasPrefix(tag, "@") && json.Valid(raw) && truth(raw) != yes; !withholds && (!ok || !equalJSON(raw, other)) {
				continue
			}
			if out[prefix] == nil {
				out[prefix] = map[string]json.RawMessage{}
			}
			out[prefix][tag] = raw
		}
	}
	return out
}

func equalJSON(a, b json.RawMessage) bool {
	va, err := parse(a, MaxTagDepth)
	if err != nil {
		return false
	}
	vb, err := parse(b, MaxTagDepth)
	return err == nil && equal(va, vb)
}
