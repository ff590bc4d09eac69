package dynamo

import (
	"encoding/base64"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxNesting is DynamoDB's bound on the depth of lists and maps in an item.
const maxNesting = 32

// reader decodes a JSON request in one pass. The first error sticks; later calls return zero values.
type reader struct {
	buf []byte
	pos int
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
		r.pos = len(r.buf)
	}
}

func (r *reader) syntax() {
	r.fail(serialization("Start of structure or map found where not expected, or malformed JSON"))
}

// peek skips white space and returns the next byte, or 0 at the end.
func (r *reader) peek() byte {
	for r.pos < len(r.buf) {
		switch c := r.buf[r.pos]; c {
		case ' ', '\t', '\r', '\n':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// take consumes the byte c if it comes next.
func (r *reader) take(c byte) bool {
	if r.peek() != c || r.err != nil {
		return false
	}
	r.pos++
	return true
}

// null consumes a null, which stands for a parameter that is not given.
func (r *reader) null() bool {
	if r.peek() == 'n' && r.pos+4 <= len(r.buf) && string(r.buf[r.pos:r.pos+4]) == "null" {
		r.pos += 4
		return true
	}
	return false
}

// object calls field for each member; field consumes the member's value.
func (r *reader) object(field func(name string)) {
	if !r.take('{') {
		r.syntax()
		return
	}
	if r.take('}') {
		return
	}
	for r.err == nil {
		name := r.name()
		if !r.take(':') {
			r.syntax()
			return
		}
		if !r.null() {
			field(name)
		}
		if r.take(',') {
			continue
		}
		if !r.take('}') {
			r.syntax()
		}
		return
	}
}

// array calls element before each element; element consumes it.
func (r *reader) array(element func()) {
	if !r.take('[') {
		r.syntax()
		return
	}
	if r.take(']') {
		return
	}
	for r.err == nil {
		element()
		if r.take(',') {
			continue
		}
		if !r.take(']') {
			r.syntax()
		}
		return
	}
}

// end checks that nothing follows and returns the first error.
func (r *reader) end() error {
	if r.err == nil && r.peek() != 0 {
		r.syntax()
	}
	return r.err
}

func (r *reader) bool() bool {
	r.peek()
	for _, word := range [...]string{"true", "false"} {
		if end := r.pos + len(word); end <= len(r.buf) && string(r.buf[r.pos:end]) == word {
			r.pos = end
			return word == "true"
		}
	}
	r.syntax()
	return false
}

func (r *reader) int() int {
	r.peek()
	start := r.pos
	for r.pos < len(r.buf) && (r.buf[r.pos] == '-' || r.buf[r.pos] >= '0' && r.buf[r.pos] <= '9') {
		r.pos++
	}
	n, err := strconv.Atoi(string(r.buf[start:r.pos]))
	if err != nil {
		r.syntax()
	}
	return n
}

// text reads a JSON string.
func (r *reader) text() string {
	b, _ := r.bytes()
	return string(b)
}

// commonNames are members of most requests, which would otherwise be allocated over and over.
var commonNames = nameTable("S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS", "TableName", "Key", "Item", "IndexName", "ConditionExpression",
	"UpdateExpression", "KeyConditionExpression", "FilterExpression", "ProjectionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues",
	"ReturnValues", "ReturnValuesOnConditionCheckFailure", "ReturnConsumedCapacity", "ConsistentRead", "Limit", "ScanIndexForward",
	"TransactItems", "ClientRequestToken", "Put", "Update", "Delete", "ConditionCheck", "Get", "RequestItems", "Keys")

func nameTable(names ...string) map[string]string {
	table := make(map[string]string, len(names))
	for _, n := range names {
		table[n] = n
	}
	return table
}

// name reads a member's name.
func (r *reader) name() string {
	b, _ := r.bytes()
	if s, ok := commonNames[string(b)]; ok { // the conversion does not allocate
		return s
	}
	return string(b)
}

// bytes reads a JSON string; the result is valid until the next read and copied where it is kept.
func (r *reader) bytes() ([]byte, bool) {
	if !r.take('"') {
		r.syntax()
		return nil, false
	}
	start := r.pos
	for r.pos < len(r.buf) {
		switch c := r.buf[r.pos]; {
		case c == '"':
			r.pos++
			return r.buf[start : r.pos-1], true
		case c == '\\':
			return r.escaped(start)
		case c < ' ':
			r.syntax()
			return nil, false
		}
		r.pos++
	}
	r.syntax()
	return nil, false
}

// escaped goes on with a string that holds an escape.
func (r *reader) escaped(start int) ([]byte, bool) {
	out := slices.Clone(r.buf[start:r.pos])
	for r.pos < len(r.buf) {
		c := r.buf[r.pos]
		r.pos++
		switch {
		case c == '"':
			return out, true
		case c < ' ':
			r.syntax()
			return nil, false
		case c != '\\':
			out = append(out, c)
			continue
		}
		if r.pos >= len(r.buf) {
			break
		}
		c = r.buf[r.pos]
		r.pos++
		switch c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			out = utf8.AppendRune(out, r.codePoint())
		default:
			r.syntax()
			return nil, false
		}
	}
	r.syntax()
	return nil, false
}

// codePoint reads the digits of \uXXXX, and a second such escape where the first is half of a pair.
func (r *reader) codePoint() rune {
	first := r.hex4()
	if !utf16.IsSurrogate(first) {
		return first
	}
	if r.pos+6 <= len(r.buf) && r.buf[r.pos] == '\\' && r.buf[r.pos+1] == 'u' {
		r.pos += 2
		return utf16.DecodeRune(first, r.hex4())
	}
	return utf8.RuneError
}

func (r *reader) hex4() rune {
	if r.pos+4 > len(r.buf) {
		r.syntax()
		return 0
	}
	n, err := strconv.ParseUint(string(r.buf[r.pos:r.pos+4]), 16, 16)
	if err != nil {
		r.syntax()
		return 0
	}
	r.pos += 4
	return rune(n)
}

// item reads {"name": AttributeValue, …}.
func (r *reader) item() item { return r.itemAt(0) }

func (r *reader) itemAt(depth int) item {
	it := make(item, 0, 8)
	sorted := true
	r.object(func(name string) {
		sorted = sorted && (len(it) == 0 || it[len(it)-1].name < name)
		if name == "" {
			r.fail(invalidValue("Empty attribute name"))
		}
		it = append(it, attribute{name, r.valueAt(depth + 1)})
	})
	if !sorted {
		slices.SortFunc(it, compareNames)
		for i := 1; i < len(it); i++ {
			if it[i].name == it[i-1].name {
				r.fail(serialization("Duplicate key " + it[i].name))
			}
		}
	}
	return it
}

// value reads an AttributeValue.
func (r *reader) value() *value { return r.valueAt(1) }

func (r *reader) valueAt(depth int) *value {
	if depth > maxNesting {
		r.fail(validation("Nesting Levels have exceeded supported limits"))
		return nil
	}
	var v *value
	r.object(func(name string) {
		if v != nil {
			r.fail(validation("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"))
			return
		}
		v = r.typed(kindOf(name), name, depth)
	})
	if v == nil {
		r.fail(validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"))
	}
	return v
}

// typed reads the content of an AttributeValue of type k.
func (r *reader) typed(k kind, name string, depth int) *value {
	v := &value{kind: k}
	switch k {
	case kindS, kindN, kindB:
		r.scalar(v)
	case kindBOOL:
		v.bool = r.bool()
	case kindNULL:
		if !r.bool() {
			r.fail(invalidValue("Null attribute value types must have the value of true"))
		}
	case kindM:
		v.m = r.itemAt(depth)
	case kindL:
		v.list = []*value{}
		r.array(func() { v.list = append(v.list, r.valueAt(depth+1)) })
	case kindSS, kindNS, kindBS:
		var list []*value
		r.array(func() {
			e := &value{kind: k.element()}
			r.scalar(e)
			list = append(list, e)
		})
		if r.err == nil {
			set, err := newSet(k, list)
			if err != nil {
				r.fail(err)
				return v
			}
			v = set
		}
	default:
		r.fail(validation("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes; unknown datatype " + name))
	}
	return v
}

// scalar fills in an S, N or B from its JSON string.
func (r *reader) scalar(v *value) {
	b, ok := r.bytes()
	if !ok {
		return
	}
	switch v.kind {
	case kindS:
		v.text = string(b)
	case kindN:
		n, err := parseDecimal(string(b))
		if err != nil {
			r.fail(err)
		}
		v.num = n
	default:
		raw, err := base64.StdEncoding.AppendDecode(nil, b)
		if err != nil {
			r.fail(serialization("Invalid Base64 data"))
		}
		v.text = string(raw)
	}
}
