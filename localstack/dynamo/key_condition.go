package dynamo

import "strings"

// keyRange is the part of a table or index that a key condition selects: one partition, and in it a range of the sort key.
type keyRange struct {
	hash              uint64
	pk                string
	low, high         *string // bounds of the sort key, nil for none
	lowOpen, highOpen bool    // the bound itself is outside
	prefix            string  // begins_with
	names             schema
}

// below reports whether the entry is below the range.
func (k *keyRange) below(e *entry) bool {
	if e.hash != k.hash {
		return e.hash < k.hash
	}
	if e.pk != k.pk {
		return e.pk < k.pk
	}
	if k.low == nil {
		return false
	}
	return e.sk < *k.low || k.lowOpen && e.sk == *k.low
}

// notAbove reports whether the entry is in the range or below it.
func (k *keyRange) notAbove(e *entry) bool {
	if e.hash != k.hash {
		return e.hash < k.hash
	}
	if e.pk != k.pk {
		return e.pk < k.pk
	}
	if k.prefix != "" && !strings.HasPrefix(e.sk, k.prefix) {
		return e.sk < k.prefix
	}
	if k.high == nil {
		return true
	}
	return e.sk < *k.high || !k.highOpen && e.sk == *k.high
}

// newKeyRange reads a key condition: the partition key equal to a value and, joined by AND, at most one condition on the sort key.
func newKeyRange(b *binding, s *schema) (*keyRange, error) {
	k := &keyRange{names: *s}
	leaves := []*condition{b.expression.condition}
	if leaves[0].kind == conditionAnd {
		leaves = flatten(leaves[0])
	}
	seen := map[string]bool{}
	for _, c := range leaves {
		name, args, operator, err := b.keyLeaf(c)
		if err != nil {
			return nil, err
		}
		if seen[name] {
			return nil, validation("KeyConditionExpressions must only contain one condition per key")
		}
		seen[name] = true
		switch {
		case name == s.hash.name:
			if operator != "=" {
				return nil, validation("Query key condition not supported")
			}
			if err := checkKeyArgs(s.hash, args); err != nil {
				return nil, err
			}
			k.pk = encoded(args[0])
			k.hash = hashOf(k.pk)
		case s.sort.name != "" && name == s.sort.name:
			if err := checkKeyArgs(s.sort, args); err != nil {
				return nil, err
			}
			if err := k.limit(operator, args); err != nil {
				return nil, err
			}
		default:
			return nil, validation("Query key condition not supported: " + name + " is no key attribute")
		}
	}
	if !seen[s.hash.name] {
		return nil, validation("Query condition missed key schema element: " + s.hash.name)
	}
	return k, nil
}

// flatten lists the conditions under nested ANDs.
func flatten(c *condition) []*condition {
	if c.kind != conditionAnd {
		return []*condition{c}
	}
	var out []*condition
	for _, child := range c.children {
		out = append(out, flatten(child)...)
	}
	return out
}

// keyLeaf takes one condition apart into attribute, operator and values.
func (b *binding) keyLeaf(c *condition) (string, []*value, string, error) {
	fail := func(text string) (string, []*value, string, error) {
		return "", nil, "", validation("Invalid KeyConditionExpression: " + text)
	}
	switch c.kind {
	case conditionCompare, conditionBetween, conditionBeginsWith:
	case conditionOr, conditionNot, conditionIn:
		return fail("Invalid operator used in KeyConditionExpression: " + c.name)
	default:
		return fail("Invalid operator used in KeyConditionExpression: " + c.name)
	}
	args, operator := c.args, c.name
	if c.kind == conditionCompare && args[0].kind == operandValue { // value = path
		args = []*operand{args[1], args[0]}
		if mirrored, ok := map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}[operator]; ok {
			operator = mirrored
		}
	}
	if operator == "<>" {
		return fail("Unsupported operator on KeyCondition: <>")
	}
	if args[0].kind != operandPath || len(args[0].path) != 1 {
		return fail("KeyConditionExpressions cannot have nested attributes or functions on keys")
	}
	var values []*value
	for _, o := range args[1:] {
		v := b.literal(o)
		if v == nil {
			return fail("No usage of attribute paths as values")
		}
		values = append(values, v)
	}
	return b.names[args[0].path[0].name], values, operator, nil
}

func checkKeyArgs(k keyAttribute, args []*value) error {
	for _, v := range args {
		if v.kind != k.kind {
			return invalidValue("Condition parameter type does not match schema type")
		}
		if v.kind != kindN && v.text == "" {
			return validationf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "+
				"string value. Key: %s", k.name)
		}
	}
	return nil
}

// limit narrows the range by a condition on the sort key.
func (k *keyRange) limit(operator string, args []*value) error {
	first := encoded(args[0])
	switch operator {
	case "=":
		k.low, k.high = &first, &first
	case "<", "<=":
		k.high, k.highOpen = &first, operator == "<"
	case ">", ">=":
		k.low, k.lowOpen = &first, operator == ">"
	case "BETWEEN":
		last := encoded(args[1])
		k.low, k.high = &first, &last
	default: // begins_with
		if args[0].kind == kindN {
			return incorrectType("begins_with", args[0])
		}
		k.low, k.prefix = &first, first
	}
	return nil
}
