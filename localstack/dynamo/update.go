package dynamo

import "slices"

// checkAssignment refuses ADD and DELETE of types that they do not take.
func (b *binding) checkAssignment(a *assignment) *apiError {
	v := (*value)(nil)
	if a.value != nil {
		v = b.literal(a.value)
	}
	switch {
	case a.section == "ADD" && v.kind != kindN && v.kind.element() == 0, a.section == "DELETE" && v.kind.element() == 0:
		return incorrectType(a.section, v)
	case a.section == "SET":
		return b.checkOperand(a.value)
	}
	return nil
}

// checkOperand refuses literals of types that arithmetic and list_append do not take, and list_append inside of functions.
func (b *binding) checkOperand(o *operand) *apiError {
	if o.kind == operandIfNotExists && b.samePath(o.args[0], o.args[1]) {
		return notDistinct("if_not_exists")
	}
	for _, arg := range o.args {
		if arg.kind == operandListAppend && (o.kind == operandListAppend || o.kind == operandIfNotExists) {
			return validation("The function is not allowed to be used this way in an expression; function: list_append")
		}
		if err := b.checkOperand(arg); err != nil {
			return err
		}
		v := b.literal(arg)
		if v == nil {
			continue
		}
		switch o.kind {
		case operandPlus, operandMinus:
			if v.kind != kindN {
				return incorrectType(map[operandKind]string{operandPlus: "+", operandMinus: "-"}[o.kind], v)
			}
		case operandListAppend:
			if v.kind != kindL {
				return incorrectType("list_append", v)
			}
		}
	}
	return nil
}

var (
	errIncorrectType = validation("An operand in the update expression has an incorrect data type")
	errNoAttribute   = validation("The provided expression refers to an attribute that does not exist in the item")
	errInvalidPath   = validation("The document path provided in the update expression is invalid for update")
)

// change is an assignment evaluated: the new value at a path, nil to remove what is there.
type change struct {
	target path
	value  *value
}

// updated returns the item with the update applied. All right-hand sides see the item as it was.
func (b *binding) updated(it item) (item, error) {
	changes := make([]change, len(b.update))
	for i := range b.update {
		v, err := b.result(it, &b.update[i])
		if err != nil {
			return nil, err
		}
		changes[i] = change{b.update[i].target, v}
	}
	return b.changeItem(it, changes, 0)
}

// result evaluates the new value at an assignment's target.
func (b *binding) result(it item, a *assignment) (*value, error) {
	switch a.section {
	case "SET":
		return b.setOperand(it, a.value)
	case "REMOVE":
		return nil, nil
	}
	old, operand := b.at(it, a.target), b.values[a.value.value]
	switch {
	case old == nil && a.section == "ADD":
		return operand, nil
	case old == nil:
		return nil, nil
	case old.kind != operand.kind:
		return nil, errIncorrectType
	case a.section == "DELETE":
		return difference(old, operand), nil
	case old.kind == kindN:
		sum, err := old.num.add(operand.num)
		return &value{kind: kindN, num: sum}, err
	}
	return union(old, operand), nil
}

// setOperand evaluates the right-hand side of a SET.
func (b *binding) setOperand(it item, o *operand) (*value, error) {
	switch o.kind {
	case operandValue:
		return b.values[o.value], nil
	case operandPath:
		if v := b.at(it, o.path); v != nil {
			return v, nil
		}
		return nil, errNoAttribute
	case operandIfNotExists:
		other, err := b.setOperand(it, o.args[1]) // which must exist even where it is not needed
		if v := b.at(it, o.args[0].path); err == nil && v != nil {
			return v, nil
		}
		return other, err
	}
	left, err := b.setOperand(it, o.args[0])
	if err != nil {
		return nil, err
	}
	right, err := b.setOperand(it, o.args[1])
	if err != nil {
		return nil, err
	}
	if o.kind == operandListAppend {
		if left.kind != kindL || right.kind != kindL {
			return nil, errIncorrectType
		}
		return &value{kind: kindL, list: slices.Concat(left.list, right.list)}, nil
	}
	if left.kind != kindN || right.kind != kindN {
		return nil, errIncorrectType
	}
	n := right.num
	if o.kind == operandMinus {
		n = n.negated()
	}
	sum, err := left.num.add(n)
	return &value{kind: kindN, num: sum}, err
}

// changeItem applies changes whose paths agree up to depth; the map's members that do not change are shared with the old one.
func (b *binding) changeItem(it item, changes []change, depth int) (item, error) {
	out := make(item, len(it), len(it)+len(changes))
	copy(out, it)
	for i, c := range changes {
		name := b.names[c.target[depth].name]
		v := c.value
		if len(c.target) > depth+1 {
			same := func(d change) bool { return b.names[d.target[depth].name] == name }
			if slices.ContainsFunc(changes[:i], same) {
				continue // was done together with the first of them
			}
			var err error
			if v, err = b.changeValue(it.get(name), pick(changes[i:], same), depth+1); err != nil {
				return nil, err
			}
		}
		at, found := out.find(name)
		switch {
		case found && v != nil:
			out[at].value = v
		case found:
			out = slices.Delete(out, at, at+1)
		case v != nil:
			out = slices.Insert(out, at, attribute{name, v})
		}
	}
	return out, nil
}

func pick(changes []change, same func(change) bool) []change {
	var out []change
	for _, c := range changes {
		if same(c) {
			out = append(out, c)
		}
	}
	return out
}

// changeValue applies changes inside a map or list, which must be there.
func (b *binding) changeValue(v *value, changes []change, depth int) (*value, error) {
	member := changes[0].target[depth].name >= 0
	switch {
	case v != nil && v.kind == kindM && member:
		m, err := b.changeItem(v.m, changes, depth)
		return &value{kind: kindM, m: m}, err
	case v != nil && v.kind == kindL && !member:
		return b.changeList(v, changes, depth)
	}
	return nil, errInvalidPath
}

// changeList applies changes to a list's elements, all by their old indexes; what is set beyond the end is appended in the order of the
// indexes.
func (b *binding) changeList(v *value, changes []change, depth int) (*value, error) {
	list := slices.Clone(v.list)
	index := func(c change) int { return c.target[depth].index }
	slices.SortStableFunc(changes, func(c, d change) int { return index(c) - index(d) })
	var removed []int
	for i, c := range changes {
		n := index(c)
		e := c.value
		if len(c.target) > depth+1 {
			if i > 0 && index(changes[i-1]) == n {
				continue
			}
			if n >= len(v.list) {
				return nil, errInvalidPath
			}
			var err error
			if e, err = b.changeValue(v.list[n], pick(changes[i:], func(d change) bool { return index(d) == n }), depth+1); err != nil {
				return nil, err
			}
		}
		switch {
		case e == nil && n < len(v.list):
			removed = append(removed, n)
		case e == nil:
		case n < len(v.list):
			list[n] = e
		default:
			list = append(list, e)
		}
	}
	for _, n := range slices.Backward(removed) {
		list = slices.Delete(list, n, n+1)
	}
	return &value{kind: kindL, list: list}, nil
}
