package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"strings"

	"nexus/pkg/jsonrpc"
)

// MaxTagDepth is how deep objects and arrays may nest in the value of a tag: 1 is an object of scalars. The bound keeps
// stored tags well under what encoding/json reads (10,000), however much is wrapped around them.
const MaxTagDepth = 500

var (
	errNotJSON   = errors.New("not JSON")
	errTooDeep   = errors.New("nested over 500 deep")
	errNotObject = errors.New("not an object")
	errSurrogate = errors.New("a name holds a lone surrogate")
)

// A value is a JSON value that keeps the bytes it was read from. encoding/json has no such thing: it loses the spelling
// of numbers or the order of members.
type value struct {
	raw     []byte   // without white space around
	members []member // of an object, in order; of members named alike the last one, at the place of the first
	elems   []value  // of an array
}

type member struct {
	rawKey []byte // quoted
	key    string
	value  value
}

// kind is '{', '[', '"', 't', 'f' or 'n', and '0' for every number.
func (v value) kind() byte {
	if c := v.raw[0]; c != '-' && (c < '0' || c > '9') {
		return c
	}
	return '0'
}

// index is where each member stands.
func (v value) index() map[string]int {
	at := make(map[string]int, len(v.members))
	for i, m := range v.members {
		at[m.key] = i
	}
	return at
}

// parse reads one JSON value whose objects and arrays nest at most depth deep. The value shares raw's bytes.
func parse(raw []byte, depth int) (value, error) {
	if !json.Valid(raw) {
		return value{}, errNotJSON
	}
	p := parser{data: raw}
	return p.value(depth)
}

// A parser goes once through bytes known to be valid JSON, so it only finds where things end.
type parser struct {
	data []byte
	at   int
}

func (p *parser) value(depth int) (value, error) {
	start := p.skipSpace()
	var v value
	var err error
	switch p.data[p.at] {
	case '{', '[':
		if depth == 0 {
			return value{}, errTooDeep
		}
		if p.data[p.at] == '{' {
			v.members, err = p.members(depth - 1)
		} else {
			v.elems, err = p.elems(depth - 1)
		}
		if err != nil {
			return value{}, err
		}
	case '"':
		p.skipString()
	default: // number, true, false, null
		for p.at < len(p.data) && strings.IndexByte(",]} \t\r\n", p.data[p.at]) < 0 {
			p.at++
		}
	}
	v.raw = p.data[start:p.at:p.at]
	return v, nil
}

func (p *parser) members(depth int) ([]member, error) {
	var members []member
	at := map[string]int{}
	p.at++ // {
	for p.skipSpace(); p.data[p.at] != '}'; p.skipSpace() {
		if p.data[p.at] == ',' {
			p.at++
			p.skipSpace()
		}
		start := p.at
		p.skipString()
		m := member{rawKey: p.data[start:p.at:p.at]}
		var ok bool
		if m.key, ok = jsonrpc.Text(m.rawKey); !ok {
			return nil, errSurrogate
		}
		p.skipSpace()
		p.at++ // :
		var err error
		if m.value, err = p.value(depth); err != nil {
			return nil, err
		}
		if i, twice := at[m.key]; twice {
			members[i] = m
			continue
		}
		at[m.key] = len(members)
		members = append(members, m)
	}
	p.at++ // }
	return members, nil
}

func (p *parser) elems(depth int) ([]value, error) {
	var elems []value
	p.at++ // [
	for p.skipSpace(); p.data[p.at] != ']'; p.skipSpace() {
		if p.data[p.at] == ',' {
			p.at++
		}
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		elems = append(elems, v)
	}
	p.at++ // ]
	return elems, nil
}

func (p *parser) skipString() {
	for p.at++; p.data[p.at] != '"'; p.at++ {
		if p.data[p.at] == '\\' {
			p.at++
		}
	}
	p.at++
}

func (p *parser) skipSpace() int {
	for p.at < len(p.data) && isJSONSpace(p.data[p.at]) {
		p.at++
	}
	return p.at
}

func isJSONSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// appendMerged appends old with update merged into it: members of objects merge deeply, everything else is update's. What is
// not touched keeps its bytes and its order.
func appendMerged(dst []byte, old, update value) []byte {
	if old.kind() != '{' || update.kind() != '{' {
		return append(dst, update.raw...)
	}
	if len(update.members) == 0 {
		return append(dst, old.raw...)
	}
	inUpdate, inOld := update.index(), old.index()
	dst = append(dst, '{')
	for i, m := range old.members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, m.rawKey...), ':')
		if j, both := inUpdate[m.key]; both {
			dst = appendMerged(dst, m.value, update.members[j].value)
		} else {
			dst = append(dst, m.value.raw...)
		}
	}
	first := len(old.members) == 0
	for _, m := range update.members {
		if _, both := inOld[m.key]; both {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(append(dst, m.rawKey...), ':'), m.value.raw...)
	}
	return append(dst, '}')
}

// equal compares what two JSON values mean: objects without order, strings by their text, numbers by their value,
// exactly (1 is 1.0 and 10e-1; 1e400 is not 1e401). A string with a lone surrogate is no text, and equals what is spelled alike.
func equal(a, b value) bool {
	if a.kind() != b.kind() {
		return false
	}
	switch a.kind() {
	case '{':
		if len(a.members) != len(b.members) {
			return false
		}
		inB := b.index()
		for _, m := range a.members {
			if i, both := inB[m.key]; !both || !equal(m.value, b.members[i].value) {
				return false
			}
		}
		return true
	case '[':
		if len(a.elems) != len(b.elems) {
			return false
		}
		for i := range a.elems {
			if !equal(a.elems[i], b.elems[i]) {
				return false
			}
		}
		return true
	case '"':
		textA, okA := jsonrpc.Text(a.raw)
		textB, okB := jsonrpc.Text(b.raw)
		return bytes.Equal(a.raw, b.raw) || okA && okB && textA == textB
	case '0':
		return bytes.Equal(a.raw, b.raw) || decimalOf(a.raw).equal(decimalOf(b.raw))
	}
	return true // true, false, null: the kind says it
}

// A decimal is digits × 10^exp, in the one form that has no zero at either end of the digits; zero has none at all, and
// no sign.
type decimal struct {
	negative bool
	digits   string
	exp      big.Int // a client may write any number of digits into an exponent
}

func decimalOf(raw []byte) *decimal {
	number, negative := strings.CutPrefix(string(raw), "-")
	d := &decimal{negative: negative}
	mantissa, exp := number, ""
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		mantissa, exp = number[:i], number[i+1:]
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	d.digits = strings.TrimRight(digits, "0")
	if d.digits == "" {
		d.negative = false
		return d
	}
	if exp != "" {
		d.exp.SetString(exp, 10)
	}
	shift := len(digits) - len(d.digits) - len(fraction)
	d.exp.Add(&d.exp, big.NewInt(int64(shift)))
	return d
}

func (d *decimal) equal(o *decimal) bool {
	return d.negative == o.negative && d.digits == o.digits && d.exp.Cmp(&o.exp) == 0
}
