package transcript

import (
	"fmt"
	"maps"
	"strconv"
)

// match compares a message with a pattern. It adds to vars what the pattern binds, also where it then fails. The error says where they part.
func (vars variables) match(pattern, came *value) error {
	return vars.at("", pattern, came)
}

func (vars variables) at(path string, pattern, came *value) error {
	differ := func() error {
		return fmt.Errorf("at %s: expected %s, came %s", orRoot(path), short(pattern.raw), short(came.raw))
	}
	switch pattern.kind {
	case anything:
		return nil
	case variable:
		known, ok := vars[pattern.name]
		if !ok {
			vars[pattern.name] = came.raw
			return nil
		}
		want, err := parseMessage([]byte(known))
		if err != nil {
			return err
		}
		if vars.at(path, want, came) != nil {
			return fmt.Errorf("at %s: $%s is %s, came %s", orRoot(path), pattern.name, short(known), short(came.raw))
		}
		return nil
	case expression:
		if came.kind != text || !pattern.re.MatchString(came.parts[0].text) {
			return differ()
		}
		return nil
	case verbatim:
		if raw, err := vars.expand(pattern.parts); err != nil || raw != came.raw {
			return differ()
		}
		return nil
	}
	if pattern.kind != came.kind {
		return differ()
	}
	switch pattern.kind {
	case text:
		if p := pattern.parts; len(p) == 1 && p[0].name != "" && vars[p[0].name] == "" {
			vars[p[0].name] = came.raw
			return nil
		}
		parts, known := vars.decode(pattern.parts)
		if !known || !glob(parts, came.parts[0].text) {
			return differ()
		}
	case object:
		return vars.object(path, pattern, came)
	case array:
		return vars.array(path, pattern.elems, came.elems)
	default:
		if pattern.raw != came.raw {
			return differ()
		}
	}
	return nil
}

func (vars variables) object(path string, pattern, came *value) error {
	left := map[string]*value{}
	for _, m := range came.members {
		name := m.name[0].text
		if left[name] != nil {
			return fmt.Errorf("at %s: member %q came twice", orRoot(path), name)
		}
		left[name] = m.value
	}
	for _, m := range pattern.members {
		parts, known := vars.decode(m.name)
		if !known {
			return fmt.Errorf("at %s: a member's name with an unknown variable", orRoot(path))
		}
		name := ""
		for _, p := range parts {
			name += p.text
		}
		v := left[name]
		if v == nil {
			return fmt.Errorf("at %s: member %q did not come", orRoot(path), name)
		}
		delete(left, name)
		if err := vars.at(path+"."+name, m.value, v); err != nil {
			return err
		}
	}
	if v := left["jsonrpc"]; path == "" && v != nil && v.raw == `"2.0"` {
		delete(left, "jsonrpc")
	}
	if pattern.open {
		return nil
	}
	for _, m := range came.members {
		if name := m.name[0].text; left[name] != nil {
			return fmt.Errorf("at %s: unexpected member %q: %s", orRoot(path), name, short(m.value.raw))
		}
	}
	return nil
}

func (vars variables) array(path string, pattern, came []*value) error {
	for i, p := range pattern {
		if p.kind == rest {
			for skip := range len(came) - i + 1 {
				try := maps.Clone(vars)
				if try.array(path, pattern[i+1:], came[i+skip:]) == nil {
					maps.Copy(vars, try)
					return nil
				}
			}
			return fmt.Errorf("at %s: no elements as expected after …", orRoot(path))
		}
		if i >= len(came) {
			return fmt.Errorf("at %s: %d elements came, more were expected", orRoot(path), len(came))
		}
		if err := vars.at(path+"["+strconv.Itoa(i)+"]", p, came[i]); err != nil {
			return err
		}
	}
	if len(came) > len(pattern) {
		return fmt.Errorf("at %s: %d elements came, %d were expected", orRoot(path), len(came), len(pattern))
	}
	return nil
}

func orRoot(path string) string {
	if path == "" {
		return "the top"
	}
	return path
}

// short cuts long JSON for a report.
func short(raw string) string {
	const most = 1000
	if len(raw) <= most {
		return raw
	}
	return fmt.Sprintf("%s … (%d bytes)", raw[:most], len(raw))
}
