package hook

import (
	"bytes"
	"encoding/json"

	"nexus/pkg/jsonrpc"
)

// longest is how long a message may be, in bytes of JSON: what a topic's message may.
const longest = 120 << 10

// member is a member of an object.
type member struct {
	name  string
	value json.RawMessage
}

// fit makes an object that is too long fit: of its members the longest becomes null, then the next longest. What stays keeps its bytes.
func fit(msg json.RawMessage) json.RawMessage {
	if len(msg) <= longest {
		return msg
	}
	members, err := read(msg)
	if err != nil {
		return msg // which topics refuse
	}
	for len(msg) > longest && len(members) > 0 {
		most := 0
		for n, m := range members {
			if len(m.value) > len(members[most].value) {
				most = n
			}
		}
		if members[most].value == nil {
			break // it is of names alone
		}
		members[most].value = nil
		var o jsonrpc.Object
		for _, m := range members {
			o.Raw(m.name, m.value)
		}
		msg = o.JSON()
	}
	return msg
}

// read takes an object apart, its members in their order.
func read(object json.RawMessage) ([]member, error) {
	d := json.NewDecoder(bytes.NewReader(object))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var members []member
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, err
		}
		m := member{}
		m.name, _ = name.(string) // a member's name is nothing else
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		members = append(members, m)
	}
	return members, nil
}
