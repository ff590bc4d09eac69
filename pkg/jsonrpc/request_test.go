package jsonrpc_test

import (
	"strings"
	"testing"

	"nexus/pkg/jsonrpc"
)

func TestParse(t *testing.T) {
	long := strings.Repeat("x", jsonrpc.MaxID-2)
	for name, c := range map[string]struct {
		message, id, method, params string // of a request; id "" is a notification
		code                        jsonrpc.Code
		detail                      string
	}{
		"all members":                {message: `{"jsonrpc":"2.0","id":1,"method":"sys.ping","params":{"a":1}}`, id: `1`, method: "sys.ping", params: `{"a":1}`},
		"without jsonrpc":            {message: `{"id":1,"method":"m"}`, id: `1`, method: "m"},
		"space around":               {message: " \t\r\n{ \"id\" : 1 , \"method\" : \"m\" } \n", id: `1`, method: "m"},
		"unknown members":            {message: `{"id":1,"method":"m","extra":[{}]}`, id: `1`, method: "m"},
		"names are exact":            {message: `{"ID":1,"id":2,"Method":"no","method":"m"}`, id: `2`, method: "m"},
		"the last of equal names":    {message: `{"id":1,"method":"a","id":2,"method":"b"}`, id: `2`, method: "b"},
		"escapes in the method":      {message: `{"id":1,"method":"t\u0061sk.\"é"}`, id: `1`, method: `task."é`},
		"an empty method is a name":  {message: `{"id":1,"method":""}`, id: `1`},
		"no id":                      {message: `{"method":"m"}`, method: "m"},
		"id null":                    {message: `{"id":null,"method":"m"}`, method: "m"},
		"id text":                    {message: `{"id":"\u0031","method":"m"}`, id: `"\u0031"`, method: "m"},
		"id fraction":                {message: `{"id":1.50e0,"method":"m"}`, id: `1.50e0`, method: "m"},
		"id true":                    {message: `{"id":true,"method":"m"}`, id: `true`, method: "m"},
		"id object with its spaces":  {message: `{"id":{ "b" : 1,"a":[ ] },"method":"m"}`, id: `{ "b" : 1,"a":[ ] }`, method: "m"},
		"longest id":                 {message: `{"id":"` + long + `","method":"m"}`, id: `"` + long + `"`, method: "m"},
		"params null":                {message: `{"id":1,"method":"m","params":null}`, id: `1`, method: "m", params: `null`},
		"params a number":            {message: `{"id":1,"method":"m","params":90}`, id: `1`, method: "m", params: `90`},
		"empty":                      {message: ``, code: jsonrpc.ParseError},
		"no JSON":                    {message: `{"id":1,"method":"m"`, code: jsonrpc.ParseError},
		"two values":                 {message: `{"id":1,"method":"m"}{"id":2,"method":"m"}`, code: jsonrpc.ParseError},
		"too deep for any parser":    {message: strings.Repeat("[", 20000) + strings.Repeat("]", 20000), code: jsonrpc.ParseError},
		"batch":                      {message: ` [{"id":1,"method":"m"}]`, code: jsonrpc.InvalidRequest, detail: "batches are not taken"},
		"empty batch":                {message: `[]`, code: jsonrpc.InvalidRequest, detail: "batches are not taken"},
		"a string":                   {message: `"m"`, code: jsonrpc.InvalidRequest, detail: "not an object"},
		"a number":                   {message: `5`, code: jsonrpc.InvalidRequest, detail: "not an object"},
		"null":                       {message: `null`, code: jsonrpc.InvalidRequest, detail: "not an object"},
		"no method":                  {message: `{"id":1}`, id: `1`, code: jsonrpc.InvalidRequest, detail: "method"},
		"no method, no id":           {message: `{}`, code: jsonrpc.InvalidRequest, detail: "method"},
		"method a number":            {message: `{"id":"a","method":5}`, id: `"a"`, code: jsonrpc.InvalidRequest, detail: "method"},
		"method null":                {message: `{"id":1,"method":null}`, id: `1`, code: jsonrpc.InvalidRequest, detail: "method"},
		"jsonrpc 1.0":                {message: `{"jsonrpc":"1.0","id":1,"method":"m"}`, id: `1`, code: jsonrpc.InvalidRequest, detail: "jsonrpc"},
		"jsonrpc a number":           {message: `{"jsonrpc":2.0,"id":1,"method":"m"}`, id: `1`, code: jsonrpc.InvalidRequest, detail: "jsonrpc"},
		"jsonrpc null":               {message: `{"jsonrpc":null,"id":1,"method":"m"}`, id: `1`, code: jsonrpc.InvalidRequest, detail: "jsonrpc"},
		"id one byte over":           {message: `{"id":"` + long + `x","method":"m"}`, code: jsonrpc.InvalidRequest, detail: "id over 256 bytes"},
		"id too long goes before it": {message: `{"id":"` + long + `x"}`, code: jsonrpc.InvalidRequest, detail: "id over 256 bytes"},
	} {
		req, err := jsonrpc.Parse([]byte(c.message))
		if req == nil {
			t.Errorf("%s: no request", name)
			continue
		}
		if got := string(req.ID); got != c.id {
			t.Errorf("%s: id %s, want %s", name, got, c.id)
		}
		if c.code != 0 {
			if want := jsonrpc.Err(c.code, c.detail); err == nil || err.Error() != want.Error() {
				t.Errorf("%s: error %v, want %v", name, err, want)
			}
			continue
		}
		if err != nil || req.Method != c.method || string(req.Params) != c.params || req.Notification() != (c.id == "") {
			t.Errorf("%s: %q %s, notification %v, error %v", name, req.Method, req.Params, req.Notification(), err)
		}
	}
}
