package dynamo

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// at follows a path; nil where it leads nowhere.
func (b *binding) at(it item, p path) *value {
	v := it.get(b.names[p[0].name])
	for _, e := range p[1:] {
		switch {
		case v == nil:
			return nil
		case e.name >= 0 && v.kind == kindM:
			v = v.m.get(b.names[e.name])
		case e.name < 0 && v.kind == kindL && e.index < len(v.list):
			v = v.list[e.index]
		default:
			return nil
		}
	}
	return v
}

// operand evaluates an operand of a condition; nil stands for an attribute that is not there.
func (b *binding) operand(it item, o *operand) *value {
	switch o.kind {
	case operandPath:
		return b.at(it, o.path)
	case operandValue:
		return b.values[o.value]
	}
	v := b.operand(it, o.args[0]) // operandSize: the parser lets nothing else into a condition
	n := 0
	switch {
	case v == nil:
		return nil
	case v.kind == kindS:
		n = length(v.text)
	case v.kind == kindB:
		n = len(v.text)
	case v.kind == kindM:
		n = len(v.m)
	case v.kind == kindL || v.kind.element() != 0:
		n = len(v.list)
	default:
		return nil
	}
	num, _ := decimal{}.scaled(strconv.Itoa(n), 0)
	return &value{kind: kindN, num: num}
}

// length is a string's length in UTF-16 code units, which is what size counts, unlike the item's size.
func length(s string) int {
	n := 0
	for _, r := range s {
		n += max(1, utf16.RuneLen(r))
	}
	return n
}

// holds evaluates a condition on an item; an item that does not exist is empty.
func (b *binding) holds(it item, c *condition) bool {
	switch c.kind {
	case conditionAnd:
		return !slices.ContainsFunc(c.children, func(x *condition) bool { return !b.holds(it, x) })
	case conditionOr:
		return slices.ContainsFunc(c.children, func(x *condition) bool { return b.holds(it, x) })
	case conditionNot:
		return !b.holds(it, c.children[0])
	case conditionExists:
		return b.at(it, c.args[0].path) != nil
	case conditionNotExists:
		return b.at(it, c.args[0].path) == nil
	}
	v := b.operand(it, c.args[0])
	if c.kind == conditionCompare {
		return compares(v, b.operand(it, c.args[1]), c.name)
	}
	if v == nil {
		return false
	}
	switch c.kind {
	case conditionBetween:
		return compares(v, b.operand(it, c.args[1]), ">=") && compares(v, b.operand(it, c.args[2]), "<=")
	case conditionIn:
		return slices.ContainsFunc(c.args[1:], func(o *operand) bool { return equal(v, b.operand(it, o)) })
	}
	w := b.operand(it, c.args[1])
	switch {
	case w == nil:
		return false
	case c.kind == conditionType:
		return v.kind.String() == w.text
	case c.kind == conditionBeginsWith:
		return v.kind == w.kind && v.kind != kindN && v.kind.ordered() && strings.HasPrefix(v.text, w.text)
	}
	return contains(v, w)
}

func contains(v, w *value) bool {
	switch v.kind {
	case kindS, kindB:
		return v.kind == w.kind && strings.Contains(v.text, w.text)
	case kindL, kindSS, kindNS, kindBS:
		return v.has(w)
	}
	return false
}

// compares applies a comparator. What is missing or of another type equals nothing and has no order.
func compares(v, w *value, comparator string) bool {
	switch comparator {
	case "=":
		return v != nil && equal(v, w)
	case "<>":
		return v == nil || !equal(v, w)
	}
	if v == nil || w == nil || v.kind != w.kind || !v.kind.ordered() {
		return false
	}
	n := compare(v, w)
	switch comparator {
	case "<":
		return n < 0
	case "<=":
		return n <= 0
	case ">":
		return n > 0
	}
	return n >= 0
}

// check refuses what is wrong with a condition whatever the item: operands of impossible types, bounds in the wrong order.
func (b *binding) check(c *condition) *apiError {
	for _, child := range c.children {
		if err := b.check(child); err != nil {
			return err
		}
	}
	for _, o := range c.args {
		if o.kind != operandSize {
			continue
		}
		if v := b.literal(o.args[0]); v != nil && (v.kind == kindN || v.kind == kindBOOL || v.kind == kindNULL) {
			return incorrectType("size", v)
		}
	}
	switch c.kind {
	case conditionCompare:
		return b.checkCompare(c)
	case conditionBetween:
		return b.checkBetween(c)
	case conditionExists, conditionNotExists:
		if c.args[0].kind != operandPath {
			return validation("Operator or function requires a document path; operator or function: " + c.name)
		}
	case conditionType:
		v := b.literal(c.args[1])
		if v == nil || v.kind != kindS {
			return incorrectType(c.name, v)
		}
		if kindOf(v.text) == 0 {
			return validation("Invalid attribute type name found; type: " + v.text)
		}
	case conditionBeginsWith:
		for _, o := range c.args {
			if v := b.literal(o); o.kind == operandSize || v != nil && v.kind != kindS && v.kind != kindB {
				return incorrectType(c.name, v)
			}
		}
		return b.checkDistinct(c)
	case conditionContains, conditionIn:
		return b.checkDistinct(c)
	}
	return nil
}

func (b *binding) checkCompare(c *condition) *apiError {
	if c.name != "=" && c.name != "<>" {
		for _, o := range c.args {
			if v := b.literal(o); v != nil && !v.kind.ordered() {
				return incorrectType(c.name, v)
			}
		}
	}
	return b.checkDistinct(c)
}

func (b *binding) checkBetween(c *condition) *apiError {
	for _, o := range c.args {
		if v := b.literal(o); v != nil && !v.kind.ordered() {
			return incorrectType(c.name, v)
		}
	}
	low, high := b.literal(c.args[1]), b.literal(c.args[2])
	if low == nil || high == nil {
		return b.checkDistinct(c)
	}
	if low.kind != high.kind {
		return validation("The BETWEEN operator requires same data type for lower and upper bounds")
	}
	if compare(low, high) > 0 {
		return validation("The BETWEEN operator requires upper bound to be greater than or equal to lower bound")
	}
	return nil
}

// checkDistinct refuses a path compared with itself.
func (b *binding) checkDistinct(c *condition) *apiError {
	for _, o := range c.args[1:] {
		if b.samePath(c.args[0], o) {
			return notDistinct(c.name)
		}
	}
	return nil
}

func notDistinct(operator string) *apiError {
	return validation("The first operand must be distinct from the remaining operands for this operator or function; operator: " + operator)
}

// samePath reports whether both operands are one path.
func (b *binding) samePath(x, y *operand) bool {
	return x.kind == operandPath && y.kind == operandPath && len(x.path) == len(y.path) && b.overlap(x.path, y.path) != nil
}

// literal is the value of an operand that is one, else nil.
func (b *binding) literal(o *operand) *value {
	if o.kind == operandValue {
		return b.values[o.value]
	}
	return nil
}

func incorrectType(operator string, v *value) *apiError {
	if v == nil {
		return validation("Incorrect operand type for operator or function; operator or function: " + operator)
	}
	return validationf("Incorrect operand type for operator or function; operator or function: %s, operand type: %s", operator, v.kind)
}

// project returns the parts of an item that the paths name; lists keep the named elements alone.
func (b *binding) project(it item, paths []path) item { return b.projectItem(it, paths, 0) }

func (b *binding) projectItem(it item, paths []path, depth int) item {
	out := make(item, 0, len(paths))
	for i, p := range paths {
		name := b.names[p[depth].name]
		if _, done := out.find(name); done || slices.ContainsFunc(paths[:i], func(q path) bool { return b.names[q[depth].name] == name }) {
			continue
		}
		same := func(q path) bool { return b.names[q[depth].name] == name }
		if v := b.projectValue(it.get(name), paths[i:], same, depth); v != nil {
			at, _ := out.find(name)
			out = slices.Insert(out, at, attribute{name, v})
		}
	}
	return out
}

// projectValue projects what lies behind element depth of those paths that pass same.
func (b *binding) projectValue(v *value, paths []path, same func(path) bool, depth int) *value {
	if v == nil || len(paths[0]) == depth+1 {
		return v
	}
	var inside []path
	for _, q := range paths {
		if same(q) {
			inside = append(inside, q)
		}
	}
	depth++
	member := inside[0][depth].name >= 0 // overlapping and contradicting paths were refused: all are alike
	switch {
	case v.kind == kindM && member:
		if m := b.projectItem(v.m, inside, depth); len(m) > 0 {
			return &value{kind: kindM, m: m}
		}
	case v.kind == kindL && !member:
		slices.SortStableFunc(inside, func(p, q path) int { return p[depth].index - q[depth].index })
		var list []*value
		for i, p := range inside {
			n := p[depth].index
			if n >= len(v.list) || i > 0 && inside[i-1][depth].index == n {
				continue
			}
			if e := b.projectValue(v.list[n], inside[i:], func(q path) bool { return q[depth].index == n }, depth); e != nil {
				list = append(list, e)
			}
		}
		if list != nil {
			return &value{kind: kindL, list: list}
		}
	}
	return nil
}
