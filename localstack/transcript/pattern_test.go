package transcript

import (
	"strings"
	"testing"
)

func TestMatch(t *testing.T) {
	vars := func() variables { return variables{"uniq": `"u1"`, "n": `12`, "obj": `{"a":1}`} }
	for _, test := range []struct{ pattern, message, differs string }{
		{`{"id":1,"result":3}`, `{"jsonrpc":"2.0","id":1,"result":3}`, ""},
		{`{"id":1,"result":3}`, `{"result":3, "id":1}`, ""},
		{`{"id":1,"result":3}`, `{"jsonrpc":"1.0","id":1,"result":3}`, `unexpected member "jsonrpc"`},
		{`{"id":1,"result":{}}`, `{"id":1,"result":{"jsonrpc":"2.0"}}`, `at .result: unexpected member`},
		{`{"id":1,"result":3}`, `{"id":1,"result":3.0}`, `at .result: expected 3, came 3.0`},
		{`{"id":1,"result":3}`, `{"id":1,"result":"3"}`, `at .result: expected 3, came "3"`},
		{`{"id":1,"result":3}`, `{"id":1}`, `member "result" did not come`},
		{`{"id":1}`, `{"id":1,"result":3}`, `unexpected member "result"`},
		{`{"id":1,…}`, `{"id":1,"result":3}`, ""},
		{`{…,"id":1}`, `{"id":1,"result":3}`, ""},
		{`{"id":1,…}`, `{"id":1,"id":1}`, `member "id" came twice`},
		{`{"a":null}`, `{"a":false}`, `at .a: expected null, came false`},
		{`{"a":*}`, `{"a":{"b":[]}}`, ""},
		{`{"a":*}`, `{}`, "did not come"},
		{`"*"`, `"any"`, ""},
		{`"*"`, `5`, "expected"},
		{`"Invalid params:[*"`, `"Invalid params:[method]"`, ""},
		{`"Invalid params:[*"`, `"Invalid task"`, "expected"},
		{`"a*c*e"`, `"abcde"`, ""},
		{`"a*c*e"`, `"abcdef"`, "expected"},
		{`"\u002a"`, `"*"`, ""},
		{`"\u002a"`, `"x"`, "expected"},
		{`"é<"`, `"\u00e9\u003c"`, ""},
		{`[1,…]`, `[1,2,3]`, ""},
		{`[…,3]`, `[1,2,3]`, ""},
		{`[…,2,…]`, `[1,2,3]`, ""},
		{`[…,4,…]`, `[1,2,3]`, "no elements"},
		{`[…]`, `[]`, ""},
		{`[1]`, `[1,2]`, "2 elements came, 1 were expected"},
		{`[1,2]`, `[1]`, "1 elements came, more were expected"},
		{`[[1],[2]]`, `[[1],[3]]`, "at [1][0]: expected 2, came 3"},
		{`{"path":"$uniq.a.","x":"${uniq}b"}`, `{"path":"u1.a.","x":"u1b"}`, ""},
		{`{"path":"$uniq.a."}`, `{"path":"u2.a."}`, "expected"},
		{`{"$uniq.a":true}`, `{"u1.a":true}`, ""},
		{`[$x,$x]`, `[{"a":1},{"a":1}]`, ""},
		{`[$x,$x]`, `[{"a":1},{"a":2}]`, `$x is {"a":1}, came {"a":2}`},
		{`["$x","$x"]`, `["a","a"]`, ""},
		{`["$x","$x"]`, `["a","b"]`, "expected"},
		{`"$x"`, `5`, "expected"},
		{`[$n,$obj]`, `[12,{"a":1}]`, ""},
		{`"$$x"`, `"$x"`, ""},
		{`"${x*3}y"`, `"xxxy"`, ""},
		{`"${x*3}"`, `"xx"`, "expected"},
		{`/\d{3}/`, `"123"`, ""},
		{`/\d{3}/`, `"1234"`, "expected"},
		{`/\d{3}/`, `123`, "expected"},
		{"`{\"b\": 1.0,\"a\":\"\\u003c\"}`", `{"b": 1.0,"a":"\u003c"}`, ""},
		{"`[\"$uniq${x*3}\", $n]`", `["u1xxx", 12]`, ""},
		{"`[\"$uniq${x*3}\", $n]`", `["u1xxx",12]`, "expected"},
		{"`{\"b\": 1.0,\"a\":\"\\u003c\"}`", `{"b":1.0,"a":"\u003c"}`, "expected"},
		{"`{\"b\": 1.0,\"a\":\"\\u003c\"}`", `{"b": 1.0,"a":"<"}`, "expected"},
	} {
		pattern, err := parsePattern(test.pattern)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		message, err := parseMessage([]byte(test.message))
		if err != nil {
			t.Errorf("%s: %v", test.message, err)
			continue
		}
		err = vars().match(pattern, message)
		switch {
		case err == nil && test.differs != "":
			t.Errorf("%s matches %s", test.pattern, test.message)
		case err != nil && (test.differs == "" || !strings.Contains(err.Error(), test.differs)):
			t.Errorf("%s, %s: %v, expected %q", test.pattern, test.message, err, test.differs)
		}
	}
}

func TestPatternsThatAreNone(t *testing.T) {
	for pattern, says := range map[string]string{
		``:               "a value is missing",
		`{"a":1`:         ", or } is missing",
		`{"a" 1}`:        ": is missing",
		`{a:1}`:          "a member's name is missing",
		`{"a*":1}`:       "a star in a member's name",
		`[1 2]`:          ", or ] is missing",
		`[1] 2`:          "after the value",
		`nul`:            "is no value",
		`"a`:             "without its end",
		`"\q"`:           "is no JSON string",
		`$`:              "$ without a name",
		`"$"`:            "$ without a name",
		`"${x"`:          "${ without }",
		`"${x-y}"`:       "is no variable",
		`"${x*9999999}"`: "the count is no number",
		`/a`:             "without its end",
		`/(/`:            "missing closing",
		"`a":             "without its end",
	} {
		if _, err := parsePattern(pattern); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, expected %q", pattern, err, says)
		}
	}
}

func TestExpand(t *testing.T) {
	vars := variables{"s": `"a\"b"`, "n": `{"x":1}`}
	parts, err := split(`{"s":"$s","t":"${s}t","n":$n,"d":"$$","r":"${ab*2}"}`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := vars.expand(parts)
	if want := `{"s":"a\"b","t":"a\"bt","n":{"x":1},"d":"$","r":"abab"}`; err != nil || got != want {
		t.Errorf("%s, %v, expected %s", got, err, want)
	}
}
