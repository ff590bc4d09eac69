package dynamo

import (
	"slices"
	"strings"
)

// kind is the type of an attribute value.
type kind uint8

const (
	kindS kind = iota + 1
	kindN
	kindB
	kindBOOL
	kindNULL
	kindM
	kindL
	kindSS
	kindNS
	kindBS
)

// kindNames are the types' names in AttributeValue and in attribute_type.
var kindNames = [...]string{kindS: "S", kindN: "N", kindB: "B", kindBOOL: "BOOL", kindNULL: "NULL", kindM: "M", kindL: "L",
	kindSS: "SS", kindNS: "NS", kindBS: "BS"}

func (k kind) String() string { return kindNames[k] }

// element is the type of a set's elements, or 0 for what is no set.
func (k kind) element() kind {
	switch k {
	case kindSS:
		return kindS
	case kindNS:
		return kindN
	case kindBS:
		return kindB
	}
	return 0
}

// kindOf returns the type with that name, or 0.
func kindOf(name string) kind { return kind(max(0, slices.Index(kindNames[:], name))) }

// value is an attribute value. Values are never changed once they are made, so that items share them.
type value struct {
	kind kind
	bool bool
	text string   // S: the string; B: the bytes
	num  decimal  // N
	list []*value // L: in order; SS, NS, BS: sorted, distinct
	m    item     // M
}

// attribute is one named value.
type attribute struct {
	name  string
	value *value
}

// item is a list of attributes sorted by name: small items are found faster in it than in a map, and its order never varies.
type item []attribute

func (it item) find(name string) (int, bool) {
	if len(it) <= 8 {
		for i := range it {
			if it[i].name >= name {
				return i, it[i].name == name
			}
		}
		return len(it), false
	}
	return slices.BinarySearchFunc(it, name, func(a attribute, n string) int { return strings.Compare(a.name, n) })
}

// get returns the attribute's value, or nil.
func (it item) get(name string) *value {
	if i, ok := it.find(name); ok {
		return it[i].value
	}
	return nil
}

func compareNames(a, b attribute) int { return strings.Compare(a.name, b.name) }

func equalItems(a, b item) bool {
	return slices.EqualFunc(a, b, func(x, y attribute) bool { return x.name == y.name && equal(x.value, y.value) })
}

// equal compares type and content, as `=` does: sets without order, numbers by value.
func equal(a, b *value) bool {
	if a == b {
		return true
	}
	if a == nil || b == nil || a.kind != b.kind {
		return false
	}
	switch a.kind {
	case kindS, kindB:
		return a.text == b.text
	case kindN:
		return a.num == b.num
	case kindBOOL:
		return a.bool == b.bool
	case kindNULL:
		return true
	case kindM:
		return equalItems(a.m, b.m)
	}
	return slices.EqualFunc(a.list, b.list, equal)
}

// ordered reports whether a type has an order: S, N and B have.
func (k kind) ordered() bool { return k >= kindS && k <= kindB }

// compare orders two values of one ordered type.
func compare(a, b *value) int {
	if a.kind == kindN {
		return a.num.compare(b.num)
	}
	return strings.Compare(a.text, b.text)
}

// size is the value's size by the developer guide's "item sizes and formats".
func (v *value) size() int {
	switch v.kind {
	case kindS, kindB:
		return len(v.text)
	case kindN:
		return v.num.size()
	case kindBOOL, kindNULL:
		return 1
	case kindM:
		return 3 + v.m.size() + len(v.m)
	case kindL:
		return 3 + sizes(v.list) + len(v.list)
	}
	return sizes(v.list)
}

func sizes(list []*value) int {
	n := 0
	for _, v := range list {
		n += v.size()
	}
	return n
}

// size is the item's size in bytes: its attributes' names and values.
func (it item) size() int {
	n := 0
	for i := range it {
		n += len(it[i].name) + it[i].value.size()
	}
	return n
}

// only returns the attributes with the given names; names are sorted.
func (it item) only(names []string) item {
	out := make(item, 0, len(names))
	for _, name := range names {
		if i, ok := it.find(name); ok {
			out = append(out, it[i])
		}
	}
	return out
}

// newSet sorts the elements of a set and refuses an empty one and duplicates.
func newSet(k kind, list []*value) (*value, error) {
	if len(list) == 0 {
		return nil, validation("One or more parameter values were invalid: A set of type " + k.String() + " may not be empty")
	}
	slices.SortFunc(list, compare)
	for i := 1; i < len(list); i++ {
		if compare(list[i-1], list[i]) == 0 {
			return nil, validation("One or more parameter values were invalid: Input collection contains duplicates.")
		}
	}
	return &value{kind: k, list: list}, nil
}

// union and difference of two sets of one type; difference returns nil where nothing is left.
func union(a, b *value) *value {
	list := slices.Concat(a.list, b.list)
	slices.SortFunc(list, compare)
	return &value{kind: a.kind, list: slices.CompactFunc(list, equal)}
}

func difference(a, b *value) *value {
	var list []*value
	for _, v := range a.list {
		if !b.has(v) {
			list = append(list, v)
		}
	}
	if list == nil {
		return nil
	}
	return &value{kind: a.kind, list: list}
}

// has reports whether a list or set holds an equal element.
func (v *value) has(e *value) bool {
	return slices.ContainsFunc(v.list, func(x *value) bool { return equal(x, e) })
}
