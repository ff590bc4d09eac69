package access

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"nexus/pkg/jsonrpc"
)

// ParseTags reads the tags of a user, or a mask, {"<prefix>":{"<tag>":<JSON>}}. Prefixes are made canonical; one
// without tags goes; of what is named twice, prefixes after lower-casing too, the last one counts. A value nests at
// most MaxTagDepth deep. No bytes at all are no tags; null is not an object. Its error is fit for a client.
func ParseTags(raw json.RawMessage) (Tags, error) {
	if len(raw) == 0 {
		return Tags{}, nil
	}
	root, err := parseObject(raw, MaxTagDepth+2)
	if err != nil {
		return nil, err
	}
	tags := make(Tags, len(root.members))
	for _, m := range root.members {
		prefix, err := TagPrefix(m.key)
		if err != nil {
			return nil, fmt.Errorf("prefix: %w", err)
		}
		if m.value.kind() != '{' {
			return nil, errors.New("tags of a prefix: not an object")
		}
		delete(tags, prefix)
		if len(m.value.members) > 0 {
			tags[prefix] = tagSet(m.value)
		}
	}
	return tags, nil
}

// ParseTagSet reads the tags of one prefix, {"<tag>":<JSON>}, with the bounds and errors of ParseTags.
func ParseTagSet(raw json.RawMessage) (map[string]json.RawMessage, error) {
	root, err := parseObject(raw, MaxTagDepth+1)
	if err != nil {
		return nil, err
	}
	return tagSet(root), nil
}

// ParseTagNames reads the tags that a call deletes: a list of their names, or an object whose keys they are. Its error
// is fit for a client.
func ParseTagNames(raw json.RawMessage) ([]string, error) {
	root, err := parse(raw, MaxTagDepth+1)
	if err != nil {
		return nil, err
	}
	names := []string{}
	switch root.kind() {
	case '{':
		for _, m := range root.members {
			names = append(names, m.key)
		}
	case '[':
		for _, v := range root.elems {
			if v.kind() != '"' {
				return nil, errors.New("a name is not a string")
			}
			name, ok := jsonrpc.Text(v.raw)
			if !ok {
				return nil, errSurrogate
			}
			names = append(names, name)
		}
	default:
		return nil, errors.New("neither a list nor an object")
	}
	return names, nil
}

// parseObject reads an object out of a copy of raw, so that tags do not change with a caller's buffer.
func parseObject(raw json.RawMessage, depth int) (value, error) {
	root, err := parse(bytes.Clone(raw), depth)
	if err == nil && root.kind() != '{' {
		err = errNotObject
	}
	return root, err
}

func tagSet(object value) map[string]json.RawMessage {
	set := make(map[string]json.RawMessage, len(object.members))
	for _, m := range object.members {
		set[m.key] = json.RawMessage(m.value.raw)
	}
	return set
}

// JSON is the tags as a JSON object, the same bytes for the same tags: keys sorted, values byte for byte, nothing
// escaped for HTML. Tags that are nil are {}.
func (t Tags) JSON() []byte {
	return appendObject(nil, t, func(dst []byte, set map[string]json.RawMessage) []byte {
		return appendObject(dst, set, appendRaw)
	})
}

// TagSetJSON is the tags of one prefix, or those in force, as Tags.JSON writes them.
func TagSetJSON(set map[string]json.RawMessage) []byte { return appendObject(nil, set, appendRaw) }

func appendObject[V any](dst []byte, object map[string]V, appendValue func([]byte, V) []byte) []byte {
	dst = append(dst, '{')
	for i, key := range slices.Sorted(maps.Keys(object)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(jsonrpc.AppendString(dst, key), ':')
		dst = appendValue(dst, object[key])
	}
	return append(dst, '}')
}

func appendRaw(dst []byte, raw json.RawMessage) []byte {
	if len(raw) == 0 {
		return append(dst, "null"...) // as encoding/json writes a nil RawMessage
	}
	return append(dst, raw...)
}
