package dynamo

// path is a document path: its first element is an attribute, the others are members of maps or elements of lists.
type path []pathElement

// pathElement is a member, by its place in expression.names, or a list element where name is -1.
type pathElement struct {
	name  int
	index int
}

type operandKind uint8

const (
	operandPath operandKind = iota
	operandValue
	operandSize        // size(path)
	operandIfNotExists // if_not_exists(path, operand)
	operandListAppend  // list_append(operand, operand)
	operandPlus
	operandMinus
)

// operand is what stands for a value in an expression.
type operand struct {
	kind  operandKind
	path  path
	value int // operandValue: its place in expression.values
	args  []*operand
}

type conditionKind uint8

const (
	conditionAnd conditionKind = iota
	conditionOr
	conditionNot
	conditionCompare
	conditionBetween
	conditionIn
	conditionExists
	conditionNotExists
	conditionType
	conditionBeginsWith
	conditionContains
)

// condition is a node of a condition, filter or key condition.
type condition struct {
	kind     conditionKind
	name     string // the comparator or function, for messages and for telling comparators apart
	children []*condition
	args     []*operand
	parens   bool // it stood in parentheses
}

// assignment is one action of an update expression.
type assignment struct {
	section string // SET, REMOVE, ADD or DELETE
	target  path
	value   *operand // nil for REMOVE
}

// expression is a parsed expression, independent of the request's names and values, so that it is parsed once.
type expression struct {
	names     []string // attributes, by name or by #placeholder, in order of appearance
	values    []string // :placeholders
	condition *condition
	paths     []path       // of a projection
	update    []assignment // of an update
}

// binding is an expression with its placeholders resolved for one request.
type binding struct {
	*expression
	names  []string
	values []*value
}

// placeholder is one entry of ExpressionAttributeNames (name) or ExpressionAttributeValues (value).
type placeholder struct {
	key   string
	name  string
	value *value
	used  bool
}

// placeholders are a request's; every expression of the request is bound through them, then unused reports what was for nothing.
type placeholders struct {
	names  []placeholder
	values []placeholder
	bound  bool
}

// bind resolves the placeholders of ex, the request's parameter of that name.
func (p *placeholders) bind(parameter string, ex *expression) (*binding, error) {
	p.bound = true
	b := &binding{expression: ex, names: ex.names}
	for i, key := range ex.names {
		if key[0] != '#' {
			continue
		}
		ph := lookup(p.names, key)
		if ph == nil {
			return nil, validationf("Invalid %s: An expression attribute name used in the document path is not defined; attribute name: %s",
				parameter, key)
		}
		if i == 0 || &b.names[0] == &ex.names[0] { // the first one to differ: the parsed names stay as they are
			b.names = append([]string(nil), ex.names...)
		}
		b.names[i] = ph.name
	}
	if len(ex.values) > 0 {
		b.values = make([]*value, len(ex.values))
	}
	for i, key := range ex.values {
		ph := lookup(p.values, key)
		if ph == nil {
			return nil, validationf("Invalid %s: An expression attribute value used in expression is not defined; attribute value: %s",
				parameter, key)
		}
		b.values[i] = ph.value
	}
	if ex.condition != nil {
		if err := b.check(ex.condition); err != nil {
			return nil, validationf("Invalid %s: %s", parameter, err.message)
		}
	}
	if err := b.checkPaths(); err != nil {
		return nil, validationf("Invalid %s: %s", parameter, err.message)
	}
	return b, nil
}

// lookup finds and marks the placeholder. Requests have few: a map would cost more.
func lookup(list []placeholder, key string) *placeholder {
	for i := range list {
		if list[i].key == key {
			list[i].used = true
			return &list[i]
		}
	}
	return nil
}

// unused refuses placeholders that no expression of the request mentions.
func (p *placeholders) unused() error {
	for _, list := range [...]struct {
		parameter string
		entries   []placeholder
	}{{"ExpressionAttributeNames", p.names}, {"ExpressionAttributeValues", p.values}} {
		for i := range list.entries {
			if list.entries[i].used {
				continue
			}
			if !p.bound {
				return validation(list.parameter + " can only be specified when using expressions")
			}
			return validationf("Value provided in %s unused in expressions: keys: {%s}", list.parameter, list.entries[i].key)
		}
	}
	return nil
}

// checkPaths refuses paths of one projection or update of which one holds, or contradicts, another.
func (b *binding) checkPaths() *apiError {
	for i := range b.update {
		for j := range i {
			if err := b.overlap(b.update[j].target, b.update[i].target); err != nil {
				return err
			}
		}
		if err := b.checkAssignment(&b.update[i]); err != nil {
			return err
		}
	}
	for i := range b.paths {
		for j := range i {
			if err := b.overlap(b.paths[j], b.paths[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// overlap compares two paths up to the shorter one's end.
func (b *binding) overlap(p, q path) *apiError {
	for i := range min(len(p), len(q)) {
		x, y := p[i], q[i]
		if (x.name < 0) != (y.name < 0) {
			return validation("Two document paths conflict with each other; must remove or rewrite one of these paths")
		}
		if x.name < 0 && x.index != y.index || x.name >= 0 && b.names[x.name] != b.names[y.name] {
			return nil
		}
	}
	return validation("Two document paths overlap with each other; must remove or rewrite one of these paths")
}
