package jsonrpc_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"nexus/pkg/jsonrpc"
)

func TestAnswersByteForByte(t *testing.T) {
	withData := jsonrpc.Err(jsonrpc.Timeout, "")
	withData.Data = json.RawMessage(`{ "a": 1.0 }`)
	for _, c := range []struct {
		id      string
		outcome jsonrpc.Outcome
		want    string
	}{
		{`1`, jsonrpc.OK, `{"jsonrpc":"2.0","id":1,"result":{"ok":true}}`},
		{`"\u0031"`, jsonrpc.Success(json.RawMessage(`[ 1.0, "\u0061<&>" ]`)), `{"jsonrpc":"2.0","id":"\u0031","result":[ 1.0, "\u0061<&>" ]}`},
		{`{ "a":1 }`, jsonrpc.Success(nil), `{"jsonrpc":"2.0","id":{ "a":1 },"result":null}`},
		{`5`, jsonrpc.Success(json.RawMessage{}), `{"jsonrpc":"2.0","id":5,"result":null}`},
		{``, jsonrpc.Failure(jsonrpc.Err(jsonrpc.ParseError, "")), `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`},
		{`2`, jsonrpc.Failure(withData), `{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"Timeout","data":{ "a": 1.0 }}}`},
		{`3`, jsonrpc.Failure(&jsonrpc.Error{Code: 7, Message: "worker's \"own\"\n", Data: json.RawMessage(`null`)}),
			`{"jsonrpc":"2.0","id":3,"error":{"code":7,"message":"worker's \"own\"\n","data":null}}`},
		{`4`, jsonrpc.Failure(&jsonrpc.Error{Data: json.RawMessage{}}), `{"jsonrpc":"2.0","id":4,"error":{"code":0,"message":""}}`},
	} {
		if got := string(jsonrpc.Answer(json.RawMessage(c.id), c.outcome)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	if got := string(jsonrpc.Answer(nil, jsonrpc.OK)); got != `{"jsonrpc":"2.0","id":null,"result":{"ok":true}}` {
		t.Error(got)
	}
}

func TestObjectsAndArrays(t *testing.T) {
	var o jsonrpc.Object
	east := time.FixedZone("", 2*3600)
	got := o.Bool("ok", true).String("<n>", "a\"b").Int("i", -5).Raw("raw", json.RawMessage(`{ "x":1.0 }`)).Raw("none", nil).
		Time("at", time.Date(2026, 1, 2, 3, 4, 5, 6_999_999, east)).Time("never", time.Time{}).JSON()
	const want = `{"ok":true,"<n>":"a\"b","i":-5,"raw":{ "x":1.0 },"none":null,"at":"2026-01-02T01:04:05.006Z","never":null}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	var empty jsonrpc.Object
	if got := string(empty.JSON()); got != `{}` {
		t.Error(got)
	}
	for want, values := range map[string][]json.RawMessage{`[]`: nil, `[1]`: {[]byte(`1`)}, `[1, {"a":2}]`: {[]byte(`1`), []byte(` {"a":2}`)}} {
		if got := string(jsonrpc.Array(values)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestStringsAreEncodedForJSONAndForNothingElse(t *testing.T) {
	for in, want := range map[string]string{
		``: `""`, `a<b>&c`: `"a<b>&c"`, "é": `"é"`, `"\`: `"\"\\"`, "\x00\x1f\t\n": `"\u0000\u001f\t\n"`, "\x7f": "\"\x7f\"", "\xff": `"\ufffd"`,
		strings.Repeat("x", 1000): `"` + strings.Repeat("x", 1000) + `"`,
	} {
		if got := string(jsonrpc.AppendString([]byte("-"), in)); got != "-"+want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestOutcomesAreReadAsTheyWereWritten(t *testing.T) {
	for _, result := range []string{`null`, `{ "a": 1.0 }`, `"<x>"`, `[]`} {
		got, failure, err := jsonrpc.Success(json.RawMessage(result)).Read()
		if string(got) != result || failure != nil || err != nil {
			t.Errorf("%s: %s %v %v", result, got, failure, err)
		}
	}
	for _, e := range []jsonrpc.Error{{Code: -32000, Message: "Timeout"}, {Code: 7, Message: "a \"b\"\n", Data: json.RawMessage(`{ "x":1 }`)}, {}} {
		_, failure, err := jsonrpc.Failure(&e).Read()
		if err != nil || failure == nil || failure.Code != e.Code || failure.Message != e.Message || string(failure.Data) != string(e.Data) {
			t.Errorf("%+v: %+v %v", e, failure, err)
		}
	}
	if _, _, err := jsonrpc.Outcome(`"result":`).Read(); err == nil {
		t.Error("half an outcome was read")
	}
}

func TestStringsAndParamsAsAWhole(t *testing.T) {
	var o jsonrpc.Object
	if got := string(o.Strings("none", nil).Strings("two", []string{"<a>", `"`}).JSON()); got != `{"none":[],"two":["<a>","\""]}` {
		t.Error(got)
	}
	for _, whole := range []string{``, `null`, `{ "b":1,"a":[ 2 ] }`, `7`} {
		if got := jsonrpc.ReadParams(json.RawMessage(whole)).Whole(); string(got) != whole {
			t.Errorf("%s became %s", whole, got)
		}
	}
}
