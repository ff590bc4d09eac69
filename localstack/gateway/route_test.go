package gateway

import (
	"encoding/json"
	"testing"
)

// selectionValue agrees with encoding/json on every input.
func FuzzSelectionValue(f *testing.F) {
	for _, seed := range []string{
		`{"method":"a.b"}`, ` {"x":[{"method":"]}"},"\\\""] , "method" : "y\u0041\n" } `, `{"method":1e5,"m":{}}`, `{"a":"\\","method":false}`, `[]`, `{}`, `{"method":"a"`, `null`,
		`{"":{"":[]},"\u006dethod":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		var want string
		var object map[string]json.RawMessage
		if json.Unmarshal(message, &object) == nil {
			switch value := object["method"]; {
			case len(value) == 0 || value[0] == '{' || value[0] == '[' || value[0] == 'n':
			case value[0] == '"':
				if json.Unmarshal(value, &want) != nil {
					t.Skip()
				}
			default:
				want = string(value)
			}
		}
		got := selectionValue(message)
		var normal string // what is no UTF-8 is not for routes to mend, encoding/json does
		if q, err := json.Marshal(string(got)); err != nil || json.Unmarshal(q, &normal) != nil {
			t.Fatal(err)
		}
		if normal != want {
			t.Fatalf("%q: got %q, want %q", message, got, want)
		}
	})
}
