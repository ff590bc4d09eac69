package queue

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const maxAttributes = 10 // of a message

// messageAttribute is the wire's MessageAttributeValue. Lists are in AWS's API too, and reserved there.
type messageAttribute struct {
	DataType    string  `json:"DataType"`
	StringValue *string `json:"StringValue,omitempty"`
	BinaryValue []byte  `json:"BinaryValue,omitempty"` // base64 on the wire
}

// attribute is a message attribute with its name.
type attribute struct {
	name  string
	value messageAttribute
}

// checkAttributes checks message attributes and sorts them by name.
func checkAttributes(in map[string]messageAttribute) ([]attribute, error) {
	if len(in) > maxAttributes {
		return nil, errInvalidParameterValue.with("Number of message attributes [%d] exceeds the allowed maximum [%d].", len(in), maxAttributes)
	}
	var out []attribute
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if err := checkAttribute(name, in[name]); err != nil {
			return nil, err
		}
		out = append(out, attribute{name, in[name]})
	}
	return out, nil
}

func checkAttribute(name string, a messageAttribute) error {
	if !validAttributeName(name) {
		return errInvalidParameterValue.with("The message attribute name %q is invalid.", name)
	}
	kind, _, _ := strings.Cut(a.DataType, ".")
	if len(a.DataType) > 256 || strings.HasSuffix(a.DataType, ".") {
		kind = ""
	}
	switch kind {
	case "String", "Number":
		if a.BinaryValue != nil || a.StringValue == nil || *a.StringValue == "" {
			return errInvalidParameterValue.with("The message attribute '%s' must contain a non-empty StringValue, and no BinaryValue, for data type %s.",
				name, a.DataType)
		}
		return checkContents(*a.StringValue)
	case "Binary":
		if a.StringValue != nil || len(a.BinaryValue) == 0 {
			return errInvalidParameterValue.with("The message attribute '%s' must contain a non-empty BinaryValue, and no StringValue, for data type %s.",
				name, a.DataType)
		}
		return nil
	}
	return errInvalidParameterValue.with(
		"The message attribute '%s' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.", name)
}

// validAttributeName: letters, digits, _ - and single periods inside, at most 256, not beginning with AWS. or Amazon. in any case.
func validAttributeName(name string) bool {
	lower := strings.ToLower(name)
	if name == "" || len(name) > 256 || strings.HasPrefix(lower, "aws.") || strings.HasPrefix(lower, "amazon.") ||
		strings.HasPrefix(name, ".") || strings.HasSuffix(name, ".") || strings.Contains(name, "..") {
		return false
	}
	return strings.Trim(lower, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == "" && !strings.ContainsFunc(lower, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789_-.", r)
	})
}

// checkContents refuses characters that SQS does not carry.
func checkContents(s string) error {
	for i, r := range s {
		ok := r == 0x9 || r == 0xA || r == 0xD || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
		if r == utf8.RuneError {
			_, width := utf8.DecodeRuneInString(s[i:])
			ok = width == 3 // U+FFFD itself, not a byte that is no UTF-8
		}
		if !ok {
			return errInvalidMessageContents.with("Invalid binary character '#x%X' was found in the message body, "+
				"the set of allowed characters is #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF.", r)
		}
	}
	return nil
}

// size is what counts against MaximumMessageSize: the body and the names, types and values of attributes, in bytes.
func size(body string, attributes []attribute) int {
	n := len(body)
	for _, a := range attributes {
		n += len(a.name) + len(a.value.DataType) + len(a.value.BinaryValue)
		if a.value.StringValue != nil {
			n += len(*a.value.StringValue)
		}
	}
	return n
}

func bodyMD5(body string) string {
	sum := md5.Sum([]byte(body))
	return hex.EncodeToString(sum[:])
}

// attributesMD5 is MD5OfMessageAttributes as the Developer Guide computes it, "" of none: of each attribute, by name, the name, the data type, one
// byte for the kind of value and the value, each with its length before it.
func attributesMD5(attributes []attribute) string {
	if len(attributes) == 0 {
		return ""
	}
	h := md5.New()
	for _, a := range attributes {
		writeField(h, []byte(a.name))
		writeField(h, []byte(a.value.DataType))
		if a.value.StringValue != nil {
			h.Write([]byte{1})
			writeField(h, []byte(*a.value.StringValue))
		} else {
			h.Write([]byte{2})
			writeField(h, a.value.BinaryValue)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func writeField(h hash.Hash, b []byte) {
	h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b))))
	h.Write(b)
}

// selected are the attributes that a receive asked for: by name, by prefix ("a.*"), or all ("All", ".*").
func selected(attributes []attribute, names []string) []attribute {
	var out []attribute
	for _, a := range attributes {
		if slices.ContainsFunc(names, func(name string) bool {
			prefix, wild := strings.CutSuffix(name, ".*")
			return name == "All" || name == a.name || wild && (prefix == "" || strings.HasPrefix(a.name, prefix))
		}) {
			out = append(out, a)
		}
	}
	return out
}
