package iam

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"
)

// What encoding/json takes for an object has the members that it finds.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":1}`, ` {"a" : "}" , "b":[{"c":"\\"}], "d":null } `, `{"a":"\"","b":{}}`, `{"a":1,}`, `{"a"}`, `{"a":[}`, `[]`, `{"a":{"b":"}"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got := map[string]string{}
		err := members(text, func(name, value []byte) error {
			if _, again := got[string(name)]; !again {
				got[string(name)] = string(value)
			}
			return nil
		})
		var want map[string]json.RawMessage
		if json.Unmarshal(text, &want) != nil || want == nil {
			return // it may be found out or not: the service reads it too
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		for name, value := range got {
			var unquoted string
			if json.Unmarshal([]byte(`"`+name+`"`), &unquoted) != nil || !json.Valid([]byte(value)) {
				t.Errorf("%q: member %q is %q", text, name, value)
			}
			delete(want, unquoted)
		}
		if len(want) > 0 {
			t.Errorf("%q: missing %q", text, slices.Sorted(maps.Keys(want)))
		}
	})
}

func BenchmarkMembers(b *testing.B) {
	body := []byte(`{"ConditionExpression":"#kind = :task AND #state = :waiting AND #dl > :now","ExpressionAttributeNames":{"#kind":"kind","#state":"state",
		"#dl":"dl","#wc":"wc"},"ExpressionAttributeValues":{":task":{"S":"task"},":waiting":{"S":"waiting"},":now":{"N":"1790000000000"}},
		"Key":{"part":{"S":"a.b.c."},"id":{"S":"01KATY7X8ZQ4M2N6P9R3S5T1V0"}},"ReturnConsumedCapacity":"TOTAL","ReturnValues":"ALL_NEW",
		"ReturnValuesOnConditionCheckFailure":"ALL_OLD","TableName":"nexus-tasks","UpdateExpression":"SET #state = :working, #wc = :wc REMOVE #queue"}`)
	b.ReportAllocs()
	for b.Loop() {
		if p, err := read(body); err != nil || p.TableName != "nexus-tasks" {
			b.Fatal(p, err)
		}
	}
}
