package jsonrpc_test

import (
	"encoding/json"
	"strings"
	"testing"

	"nexus/pkg/jsonrpc"
)

// nest puts a value into 10,001 arrays, which is one more than encoding/json reads.
func nest(value string) string {
	return strings.Repeat("[", 10001) + value + strings.Repeat("]", 10001)
}

const tooDeep = "nested over 10000 deep"

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
		"id that fits no answer":     {message: `{"id":"` + strings.Repeat("x", 127<<10) + `"}`, code: jsonrpc.InvalidRequest, detail: "id over 256 bytes"},
		"too deep for any parser":    {message: nest(``), code: jsonrpc.ParseError, detail: tooDeep},
		"deep before the id":         {message: `{"a":` + nest(`{"id":1}`) + `,"id" :` + "\t" + `[ 2 ] }`, id: `[ 2 ]`, code: jsonrpc.ParseError, detail: tooDeep},
		"deep behind the id":         {message: ` {"id":"\u0031","a":` + nest(`{"id":1}`) + `,"method":"id"} `, id: `"\u0031"`, code: jsonrpc.ParseError, detail: tooDeep},
		"deep and three ids":         {message: `{"id":1,"a":` + nest(`1`) + `,"id":2,"\u0069d":3,"ID":4}`, id: `3`, code: jsonrpc.ParseError, detail: tooDeep},
		"deep and an id null":        {message: `{"id":1,"a":` + nest(`1`) + `,"id":null}`, code: jsonrpc.ParseError, detail: tooDeep},
		"deep and no id":             {message: `{"a":` + nest(`1`) + `,"b":"id"}`, code: jsonrpc.ParseError, detail: tooDeep},
		"the id itself is deep":      {message: `{"id":` + nest(``) + `,"method":"m"}`, id: nest(``), code: jsonrpc.ParseError, detail: tooDeep},
		"a deep batch":               {message: `[{"id":1},` + nest(``) + `]`, code: jsonrpc.ParseError, detail: tooDeep},
		"deep and no JSON":           {message: `{"id":1,"a":` + nest(`nul`) + `}`, code: jsonrpc.ParseError},
		"deep and cut":               {message: `{"id":1,"a":` + strings.Repeat("[", 20000), code: jsonrpc.ParseError},
		"deep and two values":        {message: `{"id":1,"a":` + nest(``) + `}{"id":2}`, code: jsonrpc.ParseError},
		"brackets that nest nothing": {message: `{"id":1,"a":"` + strings.Repeat("[", 20000) + `"`, code: jsonrpc.ParseError},
		"not UTF-8":                  {message: "{\"id\":1,\"method\":\"m\xff\"}", code: jsonrpc.ParseError, detail: "not UTF-8"},
		"surrogates, UTF-8 of none":  {message: "{\"id\":1,\"method\":\"m\xed\xa0\x80\"}", code: jsonrpc.ParseError, detail: "not UTF-8"},
		"a pair in the method":       {message: `{"id":1,"method":"\ud83d\ude00"}`, id: `1`, method: "😀"},
		"half a pair in the method":  {message: `{"id":1,"method":"sys.ping\ud83d"}`, id: `1`, method: "sys.ping\ufffd"}, // which is found nowhere
		"half a pair in the id":      {message: `{"id":"\ud83d","method":"m"}`, id: `"\ud83d"`, method: "m"},
		"half a pair in jsonrpc":     {message: `{"id":1,"method":"m","jsonrpc":"2.0\ud83d"}`, id: `1`, code: jsonrpc.InvalidRequest, detail: "jsonrpc"},
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
		"id one byte over":           {message: `{"id":"` + long + `x","method":"m"}`, id: `"` + long + `x"`, code: jsonrpc.InvalidRequest, detail: "id over 256 bytes"},
		"id too long goes before it": {message: `{"id":"` + long + `x"}`, id: `"` + long + `x"`, code: jsonrpc.InvalidRequest, detail: "id over 256 bytes"},
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

// Only what is text is read: half of a pair of surrogates would be taken for U+FFFD.
func TestText(t *testing.T) {
	for raw, want := range map[string]string{
		`""`: "", `"é"`: "é", `"\ud83d\ude00"`: "😀", `"\uD83D\uDE00\ud83d\ude00x"`: "😀😀x", `"\ufffd"`: "\ufffd", `"\\ud800"`: `\ud800`, `"\\\\ud800"`: `\\ud800`,
		`"\"\/\b\f\n\r\t\u0000"`: "\"/\b\f\n\r\t\x00", `"\ud7ff\ue000"`: "\ud7ff\ue000",
	} {
		if got, ok := jsonrpc.Text(json.RawMessage(raw)); got != want || !ok {
			t.Errorf("%s: %q %v, want %q", raw, got, ok, want)
		}
	}
	for _, raw := range []string{``, `1`, `null`, `{}`, `["x"]`, `"\ud800"`, `"\uDFFF"`, `"x\ud83dx"`, `"\ud83d\u0041"`, `"\ude00\ud83d"`, `"\ud83d\ud83d\ude00"`,
		`"\ud83d\\ude00"`, `"\ud83d\n\ude00"`, `"\ud83d\ude00\ude00"`, `"\\\ud800"`, `"\ud83d\"`} {
		if got, ok := jsonrpc.Text(json.RawMessage(raw)); ok {
			t.Errorf("%s is text: %q", raw, got)
		}
	}
}
