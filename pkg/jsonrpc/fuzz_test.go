package jsonrpc_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"nexus/pkg/jsonrpc"
)

// Whatever comes, Parse answers with one valid message, gives the id back byte for byte, and is as strict about JSON as encoding/json.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"jsonrpc":"2.0","id":1,"method":"sys.ping","params":{"a":1}}`, `{"id":{ "a" : [1] },"method":"m"}`, `[{"id":1}]`, `null`, ``,
		`{"id":null,"method":"\u006d","params":[]}`, `{"id":"x","method":5}`, `{"id":1}{"id":2}`, "{\"id\":\"\xff\",\"method\":\"\xff\"}",
		`{"id":1,"id":2,"ID":3,"method":"m"}`, `{"id":1e400,"method":"m","jsonrpc":"\u0032.0"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		before := bytes.Clone(message)
		req, err := jsonrpc.Parse(message)
		if !bytes.Equal(before, message) {
			t.Error("the message was changed")
		}
		if valid := json.Valid(message) && utf8.Valid(message); (err != nil && err.Code == jsonrpc.ParseError) == valid {
			t.Errorf("error %v, but valid JSON: %v", err, valid)
		}
		outcome := jsonrpc.OK
		if err != nil {
			outcome = jsonrpc.Failure(err)
		}
		answer := jsonrpc.Answer(req.ID, outcome)
		if !json.Valid(answer) {
			t.Errorf("answer %s", answer)
		}
		if len(req.ID) > jsonrpc.MaxID && err == nil || string(req.ID) == "null" || !bytes.Contains(message, req.ID) {
			t.Errorf("id %s", req.ID)
		}
		if !bytes.HasPrefix(answer, append([]byte(`{"jsonrpc":"2.0","id":`), req.ID...)) {
			t.Errorf("answer %s to id %s", answer, req.ID)
		}
		if !bytes.Contains(message, req.Params) {
			t.Errorf("params %s", req.Params)
		}
		if err == nil {
			p := jsonrpc.ReadParams(req.Params)
			if p.Err() != nil && p.Bare() == nil {
				t.Errorf("params %s: %v", req.Params, p.Err())
			}
		}
	})
}

// Of a message that is too deep the id is read as of any other, wherever the deep member stands; what is no JSON is not taken for deep.
func FuzzParseDeep(f *testing.F) {
	for _, seed := range []string{`{"id":1}`, `{"id":"a","id":{ "b":[1]}}`, `{"x":1,"\u0069d" : 2 }`, `[{"id":1}]`, `{"id":null}`, `5`, `{`, `{"id":1}x`, `{"id":1,}`, ` {"a":{"id":2}} `, "{\"id\":1e400}"} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, message []byte, first bool) {
		var members map[string]json.RawMessage
		valid := json.Unmarshal(message, &members) == nil && members != nil && utf8.Valid(message)
		if len(bytes.TrimSpace(message)) == 0 || len(message) > 4096 {
			return
		}
		deep := `"deep":` + nest(``)
		at, comma := bytes.LastIndexByte(message, '}'), ","
		if first {
			at = bytes.IndexByte(message, '{') + 1
		}
		if at < 0 {
			return
		}
		if len(members) == 0 {
			comma = ""
		}
		if first {
			deep += comma
		} else {
			deep = comma + deep
		}
		req, err := jsonrpc.Parse([]byte(string(message[:at]) + deep + string(message[at:])))
		switch isDeep := err != nil && err.Error() == "-32700 Parse error:[nested over 10000 deep]"; {
		case valid && !isDeep:
			t.Errorf("%s, with a deep member: %v", message, err)
		case valid && string(req.ID) != string(members["id"]) && string(members["id"]) != "null":
			t.Errorf("%s, with a deep member: id %s", message, req.ID)
		}
	})
}

// A value in 10,001 arrays is deep if it is JSON, and no JSON else.
func FuzzNested(f *testing.F) {
	for _, seed := range []string{`1`, `[1,]`, `{"a":1,}`, `{"a" 1}`, `[1 2]`, `{1:2}`, `]`, `"\x"`, `01`, `1,`, `nul`, `{"a":{}}`, "\"\x01\"", `-`, `{,}`, `:`, `[,1]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		array := append(append([]byte{'['}, value...), ']')
		_, err := jsonrpc.Parse([]byte(`{"id":1,"a":` + nest(string(array)) + `}`))
		deep := err != nil && err.Error() == "-32700 Parse error:[nested over 10000 deep]"
		if want := json.Valid([]byte(nested(array))) && utf8.Valid(value); deep != want {
			t.Errorf("%s, nested: %v, want deep: %v", value, err, want)
		}
	})
}

// nested is a value in arrays that encoding/json still reads, so that it judges what closes them.
func nested(value []byte) string {
	return strings.Repeat("[", 20) + string(value) + strings.Repeat("]", 20)
}

// Text takes a JSON string whenever what it says is written as the same text again, and no other.
func FuzzText(f *testing.F) {
	for _, seed := range []string{`\ud800`, `\ud83d\ude00`, `\ufffd`, `\\ud800`, `\udc00\ud800\udc00`, `é\n`, "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, inside string) {
		raw := json.RawMessage(`"` + inside + `"`)
		var want string
		if !utf8.ValidString(inside) || json.Unmarshal(raw, &want) != nil {
			return
		}
		// Where U+FFFD comes from something else than itself, that was a surrogate.
		itself := strings.Count(inside, "\ufffd") + strings.Count(strings.ToLower(strings.ReplaceAll(inside, `\\`, "")), `\ufffd`)
		text, ok := jsonrpc.Text(raw)
		if ok != (strings.Count(want, "\ufffd") == itself) || ok && text != want {
			t.Errorf("%s: %q %v, want %q", raw, text, ok, want)
		}
	})
}

// A member of any kind is read or refused by its name; numbers are read exactly or not at all.
func FuzzParams(f *testing.F) {
	for _, seed := range []string{`1`, `1.0`, `1e2`, `-0`, `1e-400`, `0e1000000000`, `9223372036854775808`, `"\ud800"`, `"x"`, `true`, `null`, `[]`, `{"v":1}`, `1e400`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if !json.Valid(value) {
			return
		}
		req, bad := jsonrpc.Parse([]byte(`{"method":"m","params":{"v":` + string(value) + `}}`))
		if bad != nil {
			return // the nesting that value adds to
		}
		for name, call := range map[string]func(p *jsonrpc.Params){
			"String":     func(p *jsonrpc.Params) { p.String("v") },
			"OptString":  func(p *jsonrpc.Params) { p.OptString("v", "") },
			"OptBool":    func(p *jsonrpc.Params) { p.OptBool("w", "v") },
			"OptInt":     func(p *jsonrpc.Params) { checkInt(t, p, value) },
			"OptSeconds": func(p *jsonrpc.Params) { checkSeconds(t, p) },
		} {
			p := jsonrpc.ReadParams(req.Params)
			call(p)
			if err := p.Err(); err != nil && err.Error() != "-32602 Invalid params:[v]" && err.Error() != "-32602 Invalid params:[v: holds a lone surrogate]" {
				t.Errorf("%s of %s: %v", name, value, err)
			}
		}
		if raw, ok := jsonrpc.ReadParams(req.Params).Raw("v"); !ok || !bytes.Equal(raw, bytes.Trim(value, " \t\r\n")) {
			t.Errorf("Raw of %s: %s", value, raw)
		}
	})
}

func checkInt(t *testing.T, p *jsonrpc.Params, value []byte) {
	n := p.OptInt("v", 0)
	value = bytes.Trim(value, " \t\r\n")
	if p.Err() != nil || !p.Has("v") || bytes.ContainsAny(value, "eE") { // an exponent can be too large to compare exactly
		return
	}
	exact, ok := new(big.Rat).SetString(string(value))
	if !ok || exact.Cmp(new(big.Rat).SetInt64(n)) != 0 {
		t.Errorf("%s was read as %d", value, n)
	}
}

func checkSeconds(t *testing.T, p *jsonrpc.Params) {
	if d := p.OptSeconds("v", time.Hour); d <= 0 {
		t.Errorf("%v", d)
	}
}
