package store

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Item is an item, a key or a set of expression values.
type Item map[string]types.AttributeValue

// S makes a string attribute.
func S(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// N makes a number attribute.
func N(n int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(n, 10)}
}

// Bool makes a boolean attribute.
func Bool(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

// M makes a map attribute.
func M(m Item) types.AttributeValue { return &types.AttributeValueMemberM{Value: m} }

// Strings makes a list of strings.
func Strings(list []string) types.AttributeValue {
	l := make([]types.AttributeValue, len(list))
	for i, s := range list {
		l[i] = S(s)
	}
	return &types.AttributeValueMemberL{Value: l}
}

// Ints makes a list of numbers.
func Ints(list []int64) types.AttributeValue {
	l := make([]types.AttributeValue, len(list))
	for i, n := range list {
		l[i] = N(n)
	}
	return &types.AttributeValueMemberL{Value: l}
}

// Set makes a set of strings.
func Set(members ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: members}
}

// Millis is how times are stored: milliseconds since 1970.
func Millis(t time.Time) types.AttributeValue { return N(t.UnixMilli()) }

// Stamp names the nth write, from 0 on, by which a request tries to change an item, for an attribute that tells who wrote last and that writes are
// conditional on. A request may have to write twice, since its first write was there, was not heard of and was overwritten; what others read of that first
// one must not seem to be what the second one made.
func Stamp(request string, n int) string {
	if n == 0 {
		return request
	}
	return request + "#" + strconv.Itoa(n)
}

// Has tells whether an attribute is there.
func (i Item) Has(name string) bool { _, ok := i[name]; return ok }

// Str returns a string attribute, or "".
func (i Item) Str(name string) string {
	if v, ok := i[name].(*types.AttributeValueMemberS); ok {
		return v.Value
	}
	return ""
}

// Int returns a number attribute, or 0.
func (i Item) Int(name string) int64 {
	if v, ok := i[name].(*types.AttributeValueMemberN); ok {
		n, _ := strconv.ParseInt(v.Value, 10, 64)
		return n
	}
	return 0
}

// Bool returns a boolean attribute, or false.
func (i Item) Bool(name string) bool {
	v, ok := i[name].(*types.AttributeValueMemberBOOL)
	return ok && v.Value
}

// Map returns a map attribute, or nil.
func (i Item) Map(name string) Item {
	if v, ok := i[name].(*types.AttributeValueMemberM); ok {
		return v.Value
	}
	return nil
}

// Strs returns a list of strings, or nil.
func (i Item) Strs(name string) []string {
	v, ok := i[name].(*types.AttributeValueMemberL)
	if !ok {
		return nil
	}
	list := make([]string, 0, len(v.Value))
	for _, e := range v.Value {
		if s, ok := e.(*types.AttributeValueMemberS); ok {
			list = append(list, s.Value)
		}
	}
	return list
}

// Ints returns a list of numbers, or nil.
func (i Item) Ints(name string) []int64 {
	v, ok := i[name].(*types.AttributeValueMemberL)
	if !ok {
		return nil
	}
	list := make([]int64, len(v.Value))
	for n, e := range v.Value {
		list[n] = Item{"": e}.Int("")
	}
	return list
}

// Time returns a time stored as Millis, or the zero time.
func (i Item) Time(name string) time.Time {
	if !i.Has(name) {
		return time.Time{}
	}
	return time.UnixMilli(i.Int(name)).UTC()
}
