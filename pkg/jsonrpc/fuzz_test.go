package jsonrpc_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"testing"
	"time"

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
		if (err != nil && err.Code == jsonrpc.ParseError) == json.Valid(message) {
			t.Errorf("error %v, but valid JSON: %v", err, json.Valid(message))
		}
		outcome := jsonrpc.OK
		if err != nil {
			outcome = jsonrpc.Failure(err)
		}
		answer := jsonrpc.Answer(req.ID, outcome)
		if !json.Valid(answer) {
			t.Errorf("answer %s", answer)
		}
		if len(req.ID) > jsonrpc.MaxID || string(req.ID) == "null" || !bytes.Contains(message, req.ID) {
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
			if err := p.Err(); err != nil && err.Error() != "-32602 Invalid params:[v]" {
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
