package jsonrpc_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"nexus/pkg/jsonrpc"
)

func read(raw string) *jsonrpc.Params { return jsonrpc.ReadParams(json.RawMessage(raw)) }

func fails(t *testing.T, what string, p *jsonrpc.Params, detail string) {
	t.Helper()
	want := jsonrpc.Err(jsonrpc.InvalidParams, detail)
	if err := p.Err(); err == nil || err.Error() != want.Error() {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func holds(t *testing.T, what string, p *jsonrpc.Params) {
	t.Helper()
	if err := p.Err(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
}

func TestParamsAreAnObjectOrNone(t *testing.T) {
	for _, raw := range []string{``, `null`, `[]`, `[ ]`, "[\n\t]", `{}`, `{"other":1}`} {
		p := read(raw)
		if p.OptString("a", "none") != "none" || p.Bare() != nil {
			t.Errorf("%q has something", raw)
		}
		holds(t, raw, p)
	}
	for _, raw := range []string{`[1]`, `[[]]`, `["[]"]`, `"text"`, `5`, `true`} {
		fails(t, raw, read(raw), "params")
	}
}

func TestBareParamsAreForTheCallThatTakesThem(t *testing.T) {
	p := read(`90`)
	if got := p.Bare(); string(got) != `90` {
		t.Errorf("bare %s", got)
	}
	holds(t, "once taken", p)
	if read(`{"watchdog":90}`).Bare() != nil {
		t.Error("an object is bare")
	}
}

func TestTheFirstWrongMemberIsNamed(t *testing.T) {
	p := read(`{"a":1,"b":2}`)
	p.String("a")
	p.String("b")
	p.Check("c", errors.New("later"))
	fails(t, "two wrong members", p, "a")
	p = read(`{}`)
	p.Check("prefix", nil)
	holds(t, "no error to check", p)
	p.Check("prefix", errors.New("white space"))
	fails(t, "a reason", p, "prefix: white space")
}

func TestStrings(t *testing.T) {
	p := read(`{"plain":"x","escaped":"a\u00e9\n\"","empty":"","null":null}`)
	for _, c := range []struct{ got, want string }{
		{p.String("plain"), "x"}, {p.String("escaped"), "aé\n\""}, {p.String("empty"), ""},
		{p.OptString("plain", "d"), "x"}, {p.OptString("null", "d"), "d"}, {p.OptString("absent", "d"), "d"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
	holds(t, "strings", p)
	for _, raw := range []string{`{}`, `{"s":null}`, `{"s":5}`, `{"s":{}}`, `{"s":["x"]}`, `{"s":true}`, `{"S":"x"}`} {
		p := read(raw)
		p.String("s")
		fails(t, raw, p, "s")
	}
	p = read(`{"s":5}`)
	p.OptString("s", "d")
	fails(t, "an optional string of another type", p, "s")
}

func TestRawMembersKeepTheirBytes(t *testing.T) {
	const value = `{ "b":1.0, "a":"\u0061" }`
	p := read(`{"v":` + value + `,"null":null}`)
	if raw, ok := p.Raw("v"); !ok || string(raw) != value {
		t.Errorf("%s, %v", raw, ok)
	}
	if raw, ok := p.Raw("null"); !ok || string(raw) != "null" || p.Has("null") {
		t.Errorf("null: %s, %v, has %v", raw, ok, p.Has("null"))
	}
	if raw, ok := p.Raw("absent"); ok || raw != nil || p.Has("absent") || !p.Has("v") {
		t.Errorf("absent: %s, %v", raw, ok)
	}
	holds(t, "raw", p)
}

func TestBooleans(t *testing.T) {
	for _, c := range []struct {
		raw  string
		want bool
	}{
		{`{"detached":true}`, true}, {`{"detach":true}`, true}, {`{"detached":false,"detach":true}`, false}, {`{"detached":null,"detach":true}`, true},
		{`{}`, false}, {`{"detached":true,"detach":5}`, true},
	} {
		p := read(c.raw)
		if got := p.OptBool("detached", "detach"); got != c.want {
			t.Errorf("%s: %v", c.raw, got)
		}
		holds(t, c.raw, p)
	}
	for raw, name := range map[string]string{`{"detached":1}`: "detached", `{"detach":"true"}`: "detach"} {
		p := read(raw)
		if p.OptBool("detached", "detach") {
			t.Errorf("%s is true", raw)
		}
		fails(t, raw, p, name)
	}
}

func TestIntegers(t *testing.T) {
	for raw, want := range map[string]int64{
		`5`: 5, `-5`: -5, `0`: 0, `-0`: 0, `1.0`: 1, `1e2`: 100, `1.5E1`: 15, `10e-1`: 1, `120.00`: 120, `0e99999`: 0, `0.0`: 0,
		`9223372036854775807`: 1<<63 - 1, `-9223372036854775808`: -1 << 63, `9223372036854775807.0`: 1<<63 - 1, `9.223372036854775807e18`: 1<<63 - 1,
	} {
		p := read(`{"n":` + raw + `}`)
		if got := p.OptInt("n", 7); got != want {
			t.Errorf("%s: %d", raw, got)
		}
		holds(t, raw, p)
	}
	for _, raw := range []string{`1.5`, `1e-1`, `1e-999`, `9223372036854775808`, `-9223372036854775809`, `1e19`, `1e999999999`, `"5"`, `true`, `[]`, `{}`,
		`1` + strings.Repeat("0", 100)} {
		p := read(`{"n":` + raw + `}`)
		p.OptInt("n", 7)
		fails(t, raw, p, "n")
	}
	for _, raw := range []string{`{}`, `{"n":null}`} {
		if p := read(raw); p.OptInt("n", 7) != 7 || p.Err() != nil {
			t.Errorf("%s: %v", raw, p.Err())
		}
	}
}

func TestSeconds(t *testing.T) {
	const def, century = 240 * time.Hour, 100 * 365 * 24 * time.Hour
	for raw, want := range map[string]time.Duration{
		`5`: 5 * time.Second, `0.25`: 250 * time.Millisecond, `1e1`: 10 * time.Second, `1e-30`: 1, `0`: def, `-1`: def, `-1e999`: def, `null`: def,
		`3153600000`: century, `1e300`: century, `1e999`: century,
	} {
		p := read(`{"timeout":` + raw + `}`)
		if got := p.OptSeconds("timeout", def); got != want {
			t.Errorf("%s: %v, want %v", raw, got, want)
		}
		holds(t, raw, p)
	}
	if p := read(`{}`); p.OptSeconds("timeout", def) != def || p.Err() != nil {
		t.Errorf("absent: %v", p.Err())
	}
	for _, raw := range []string{`"5"`, `"x"`, `true`, `[]`, `{}`} {
		p := read(`{"timeout":` + raw + `}`)
		p.OptSeconds("timeout", def)
		fails(t, raw, p, "timeout")
	}
}
