package mapping

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Filter is an event filter pattern. Make one with ParseFilter; the zero value matches everything.
type Filter struct {
	pattern string
	match   matcher
}

// String is the pattern that the filter was made of.
func (f Filter) String() string { return f.pattern }

// matcher looks at a value of an event; present is false where the event lacks it.
type matcher func(value any, present bool) bool

// maxPattern is the longest pattern, in bytes.
const maxPattern = 4096

// ParseFilter reads a pattern of Lambda event filtering: an object whose fields must all match, where a field is an object again or a list of which
// one value or rule must match. Rules: {"prefix": s}, {"suffix": s}, {"equals-ignore-case": s}, {"anything-but": s or [s, …]}, {"exists": bool}.
// "$or" holds a list of objects of which one must match. Numbers are compared by their text. numeric is refused, as the numbers of DynamoDB records
// are strings; so is what EventBridge has and Lambda has not (wildcard, cidr, nested anything-but).
func ParseFilter(pattern string) (Filter, error) {
	if len(pattern) > maxPattern {
		return Filter{}, fmt.Errorf("mapping: the filter pattern has %d bytes, more than %d", len(pattern), maxPattern)
	}
	v, err := decode([]byte(pattern))
	if err != nil {
		return Filter{}, fmt.Errorf("mapping: the filter pattern is not JSON: %w", err)
	}
	object, ok := v.(map[string]any)
	if !ok || len(object) == 0 {
		return Filter{}, fmt.Errorf("mapping: the filter pattern is not an object with fields")
	}
	m, err := parseObject(object)
	if err != nil {
		return Filter{}, fmt.Errorf("mapping: filter pattern: %w", err)
	}
	return Filter{pattern, m}, nil
}

// Matches reports whether an event, a JSON object, satisfies the pattern.
func (f Filter) Matches(event []byte) (bool, error) {
	v, err := decode(event)
	if err != nil {
		return false, fmt.Errorf("mapping: the event is not JSON: %w", err)
	}
	return f.matches(v), nil
}

// matches is Matches of an event that is decoded.
func (f Filter) matches(event any) bool { return f.match == nil || f.match(event, true) }

// decode keeps numbers as their text.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("something follows the value")
	}
	return v, nil
}

// parseObject makes the matcher of an object: all of its fields.
func parseObject(object map[string]any) (matcher, error) {
	var all []matcher
	for _, name := range slices.Sorted(maps.Keys(object)) {
		m, err := parseField(name, object[name])
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return func(value any, present bool) bool {
		for _, m := range all {
			if !m(value, present) {
				return false
			}
		}
		return true
	}, nil
}

func parseField(name string, pattern any) (matcher, error) {
	if name == "$or" {
		return parseOr(pattern)
	}
	var field matcher
	var err error
	switch p := pattern.(type) {
	case map[string]any:
		if len(p) == 0 {
			return nil, fmt.Errorf("%q is an empty object", name)
		}
		field, err = parseObject(p)
	case []any:
		if len(p) == 0 {
			return nil, fmt.Errorf("%q is an empty list", name)
		}
		field, err = parseRules(p)
	default:
		return nil, fmt.Errorf("%q is neither an object nor a list of values and rules", name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return func(value any, _ bool) bool {
		// In a list of objects one object must match as a whole.
		list, ok := value.([]any)
		if !ok {
			list = []any{value}
		}
		return slices.ContainsFunc(list, func(v any) bool {
			object, _ := v.(map[string]any)
			inner, present := object[name]
			return field(inner, present)
		})
	}, nil
}

func parseOr(pattern any) (matcher, error) {
	list, ok := pattern.([]any)
	if !ok || len(list) < 2 {
		return nil, fmt.Errorf("$or is not a list of at least two objects")
	}
	var ms []matcher
	for _, p := range list {
		object, ok := p.(map[string]any)
		if !ok || len(object) == 0 {
			return nil, fmt.Errorf("$or is not a list of at least two objects")
		}
		m, err := parseObject(object)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return oneOf(ms), nil
}

func oneOf(ms []matcher) matcher {
	return func(value any, present bool) bool {
		return slices.ContainsFunc(ms, func(m matcher) bool { return m(value, present) })
	}
}

// parseRules makes the matcher of a leaf.
func parseRules(list []any) (matcher, error) {
	var ms []matcher
	for _, p := range list {
		m, err := parseRule(p)
		if err != nil {
			return nil, err
		}
		ms = append(ms, m)
	}
	return oneOf(ms), nil
}

func parseRule(p any) (matcher, error) {
	rule, ok := p.(map[string]any)
	if !ok {
		if _, list := p.([]any); list {
			return nil, fmt.Errorf("a list inside a list of values")
		}
		return leaf(func(v any) bool { return v == p }), nil
	}
	if len(rule) != 1 {
		return nil, fmt.Errorf("a rule has %d operators instead of one", len(rule))
	}
	for operator, argument := range rule { // one
		return parseOperator(operator, argument)
	}
	return nil, nil // not reached
}

func parseOperator(operator string, argument any) (matcher, error) {
	switch operator {
	case "exists":
		want, ok := argument.(bool)
		if !ok {
			return nil, fmt.Errorf("exists wants true or false")
		}
		// Only leaves exist: an object is not one, as in EventBridge.
		return func(value any, present bool) bool {
			_, object := value.(map[string]any)
			return (present && !object) == want
		}, nil
	case "anything-but":
		return anythingBut(argument)
	case "prefix", "suffix", "equals-ignore-case":
		want, ok := argument.(string)
		if !ok {
			return nil, fmt.Errorf("%s wants a string", operator)
		}
		test := map[string]func(s, want string) bool{
			"prefix": strings.HasPrefix, "suffix": strings.HasSuffix, "equals-ignore-case": strings.EqualFold}[operator]
		return leaf(func(v any) bool {
			s, ok := v.(string)
			return ok && test(s, want)
		}), nil
	case "numeric":
		return nil, fmt.Errorf("numeric does not work on DynamoDB streams, whose numbers are strings")
	}
	return nil, fmt.Errorf("the operator %q is not implemented", operator)
}

func anythingBut(argument any) (matcher, error) {
	list, ok := argument.([]any)
	if !ok {
		list = []any{argument}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("anything-but wants a value or a list of values")
	}
	for _, v := range list {
		switch v.(type) {
		case string, json.Number:
		default:
			return nil, fmt.Errorf("anything-but wants strings or numbers")
		}
	}
	return leaf(func(v any) bool { return !slices.Contains(list, v) }), nil
}

// leaf makes a matcher of a test of one scalar. Of a list, one element must pass.
func leaf(test func(any) bool) matcher {
	return func(value any, present bool) bool {
		switch v := value.(type) {
		case map[string]any:
			return false
		case []any:
			return slices.ContainsFunc(v, func(e any) bool {
				switch e.(type) {
				case map[string]any, []any:
					return false
				}
				return test(e)
			})
		}
		return present && test(value)
	}
}
