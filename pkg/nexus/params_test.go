package nexus_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"nexus/localstack/gateway"
	"nexus/pkg/nexus"
)

// takes are the kinds of JSON that a member of params may have: s string, n number, w whole number, h one that fits no 64 bits, b boolean, o object, a array,
// * any. A ! says that it must be there. What a member may not be is -32602, and names it.
type takes string

// members are what each call reads of its params.
func members() map[string]map[string]takes {
	listing := map[string]takes{"prefix": "s", "limit": "wh", "skip": "wh", "depth": "wh", "filter": "s"}
	counting := maps.Clone(listing)
	counting["subprefixes"] = "b"
	userOnly := map[string]takes{"user": "s!"}
	address := map[string]takes{"user": "s!", "ip": "s!"}
	template := map[string]takes{"user": "s!", "template": "s!"}
	lock := map[string]takes{"lock": "s!"}
	session := map[string]takes{"connId": "s!"}
	subscription := map[string]takes{"pipeid": "s!", "topic": "s!"}
	return map[string]map[string]takes{
		"pipe.close":            {"pipeid": "s!"},
		"pipe.create":           {"len": "wh"},
		"pipe.read":             {"pipeid": "s!", "max": "wh", "timeout": "n"},
		"pipe.write":            {"pipeid": "s!", "msg": "*", "multi": "b"},
		"sync.count":            counting,
		"sync.list":             listing,
		"sync.lock":             lock,
		"sync.unlock":           lock,
		"sys.login":             {"method": "s", "user": "s!", "pass": "s!"},
		"sys.node.list":         {"limit": "wh", "skip": "wh"},
		"sys.ping":              {},
		"sys.reload":            {},
		"sys.session.count":     counting,
		"sys.session.kick":      session,
		"sys.session.list":      listing,
		"sys.session.reload":    session,
		"sys.version":           {},
		"sys.watchdog":          {"watchdog": "wh"},
		"task.cancel":           {"taskid": "s!", "id": "*"},
		"task.count":            counting,
		"task.error":            {"taskid": "s!", "code": "w", "message": "s", "data": "*"},
		"task.list":             listing,
		"task.pull":             {"prefix": "s!", "timeout": "n"},
		"task.push":             {"method": "s!", "params": "*!", "detached": "b", "prio": "w", "ttl": "wh", "timeout": "n"},
		"task.reject":           {"taskid": "s!"},
		"task.result":           {"taskid": "s!", "result": "*"},
		"topic.count":           counting,
		"topic.list":            listing,
		"topic.pub":             {"topic": "s!", "msg": "*"},
		"topic.sub":             subscription,
		"topic.unsub":           subscription,
		"user.addBlacklist":     address,
		"user.addTemplate":      template,
		"user.addWhitelist":     address,
		"user.count":            counting,
		"user.create":           {"user": "s!", "pass": "s!"},
		"user.delBlacklist":     address,
		"user.delTags":          {"user": "s!", "prefix": "s!", "tags": "oa!"},
		"user.delTemplate":      template,
		"user.delWhitelist":     address,
		"user.delete":           userOnly,
		"user.getEffectiveTags": {"user": "s!", "prefix": "s!"},
		"user.getTags":          userOnly,
		"user.list":             listing,
		"user.listTemplate":     userOnly,
		"user.rename":           {"user": "s!", "new": "s!"},
		"user.setDisabled":      {"user": "s!", "disabled": "b!"},
		"user.setMaxSessions":   {"user": "s!", "maxsessions": "wh!"},
		"user.setPass":          {"user": "s!", "pass": "s!"},
		"user.setTags":          {"user": "s!", "prefix": "s!", "tags": "o!"},
	}
}

// odd are values by kind; what is neither here nor there is among them.
func odd() map[byte][]string {
	return map[byte][]string{
		's': {`""`, `"."`, `".."`, `"-"`, `"a-"`, `"-a"`, `"a b"`, `"5"`, `"true"`, `"null"`, `"*"`, `"@"`, `"@x"`, `">"`, `"a>"`, `">a"`, `"("`, `"\u0000"`, `"\ud800\udfff"`, `"\udfff"`,
			`"ẞİ\u0130"`, `"\u2028"`, `"a#b|c/d%"`, `"` + strings.Repeat("İ", 250) + `"`, `"` + strings.Repeat("x", 10<<10) + `"`, `"` + strings.Repeat("a.", 5<<10) + `a"`},
		'w': {`0`, `-0`, `1`, `-1`, `1.0`, `1e2`, `2147483648`, `9223372036854775807`, `-9223372036854775808`},
		'n': {`1.5`, `-0.25`, `1e-400`},
		'h': {`1e19`, `-1e300`, `1e400`, `9223372036854775808`, `-9223372036854775809`, `123456789012345678901234567890`},
		'b': {`true`, `false`},
		'o': {`{}`, `{"":1}`, `{"a":{"@admin":"x"}}`, `{"a":null}`, strings.Repeat(`{"a":`, 500) + "1" + strings.Repeat("}", 500)},
		'a': {`[]`, `[""]`, `[1,"x"]`, `[[]]`, strings.Repeat("[", 5000) + strings.Repeat("]", 5000)},
	}
}

// may tells whether a member takes values of a kind.
func (t takes) may(kind byte) bool {
	switch {
	case strings.ContainsRune(string(t), '*'), strings.IndexByte(string(t), kind) >= 0:
		return true
	case kind == 'w', kind == 'h':
		return strings.ContainsRune(string(t), 'n')
	}
	return false
}

// Whatever a member is, its call is answered, never by -32603; a wrong type is -32602, and so is what must be there and is not, naming the member. Only
// what was accepted may wait.
func TestMembersOfWrongTypes(t *testing.T) {
	table := members()
	base := lines()
	for _, m := range nexus.Methods() {
		fields, known := table[m.Name]
		if !known {
			t.Errorf("%s has no members here", m.Name)
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOddClient(t, m)
				var params map[string]json.RawMessage
				_ = json.Unmarshal([]byte(base[m.Name].params), &params) // none where they are no object
				if params == nil {
					params = map[string]json.RawMessage{}
				}
				for _, field := range slices.Sorted(maps.Keys(fields)) {
					o.member(m.Name, params, field, fields[field])
				}
				o.whole(m.Name)
			})
		})
	}
}

// oddClient is an administrator who sends what no client means.
type oddClient struct {
	t *testing.T
	*guarded
	client *client
}

func newOddClient(t *testing.T, m nexus.Method) *oddClient {
	o := &oddClient{t: t, guarded: newGuarded(t), client: &client{}}
	stage := cmp.Or(m.Only, nexus.V1)
	var err error
	if o.client.conn, err = o.Gateway.Connect(t.Context(), stage, gateway.ConnectRequest{SourceIP: "192.0.2.7"}, o.client); err != nil {
		t.Fatal(err)
	}
	connid, err := o.Bus.Sessions.Post.Connid(stage, o.client.conn.ID())
	if err != nil {
		t.Fatal(err)
	}
	o.put(connid, "actor", map[string]any{".": map[string]any{"@admin": true}})
	return o
}

// member crosses one member with all values, the rest of the params being well.
func (o *oddClient) member(method string, params map[string]json.RawMessage, field string, as takes) {
	values := odd()
	for _, kind := range slices.Sorted(maps.Keys(values)) {
		for _, value := range values[kind] {
			got := o.with(method, params, field, json.RawMessage(value))
			switch {
			case !as.may(kind) && !blames(got, field):
				o.t.Errorf("%s %s is %.60s: answered %.200s", method, field, value, got)
			case as.may(kind) && got == "" && method != "task.push" && method != "task.pull" && method != "sys.login":
				o.t.Errorf("%s %s is %.60s: no answer", method, field, value)
			}
		}
	}
	for _, none := range []json.RawMessage{nil, json.RawMessage("null")} {
		got := o.with(method, params, field, none)
		if required := strings.HasSuffix(string(as), "!"); required && !blames(got, field) && (none == nil || as[0] != '*') {
			o.t.Errorf("%s without %s (%q): answered %.200s", method, field, none, got)
		} else if !required && field != "id" && blames(got, field) { // null is nobody's id
			o.t.Errorf("%s %s is %q: answered %.200s", method, field, none, got)
		}
	}
}

// A lone surrogate in whatever of params is interpreted is -32602, and names the member; in what is a body it is not.
func TestLoneSurrogates(t *testing.T) {
	table := members()
	base := lines()
	for _, m := range nexus.Methods() {
		t.Run(m.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOddClient(t, m)
				var params map[string]json.RawMessage
				_ = json.Unmarshal([]byte(base[m.Name].params), &params)
				for _, field := range slices.Sorted(maps.Keys(table[m.Name])) {
					values := map[byte][]string{'s': {`"abcde\udfff"`, `"\ud800\ud800\udc00"`}, 'o': {`{"a\ud800":1}`, `{"a":{"b":[{"\udc00":1}]}}`}, 'a': {`["a","\udc00"]`}}
					for _, kind := range string(table[m.Name][field]) {
						for _, value := range values[byte(kind)] {
							if got := o.with(m.Name, params, field, json.RawMessage(value)); !blames(got, field) {
								t.Errorf("%s %s is %s: answered %.200s", m.Name, field, value, got)
							}
						}
					}
					if table[m.Name][field][0] == '*' {
						if got := o.with(m.Name, params, field, json.RawMessage(`[{"\udfff":"\ud800"}]`)); blames(got, field) {
							t.Errorf("%s %s: answered %.200s", m.Name, field, got)
						}
					}
				}
			})
		})
	}
}

// blames tells whether an answer refuses a member by its name.
func blames(answer, field string) bool {
	for _, behind := range []string{"]", ":"} {
		if strings.Contains(answer, `"error":{"code":-32602,"message":"Invalid params:[`+field+behind) {
			return true
		}
	}
	return false
}

// with sends a call whose params differ in one member, nil to leave it out, and returns the answer.
func (o *oddClient) with(method string, params map[string]json.RawMessage, field string, value json.RawMessage) string {
	params = maps.Clone(params)
	params[field] = value
	if value == nil {
		delete(params, field)
	}
	if field == "id" {
		delete(params, "taskid") // which wins
	}
	text, err := json.Marshal(params)
	if err != nil {
		o.t.Fatal(err)
	}
	return o.ask(method, string(text))
}

// whole gives params that are no object: none, or a mistake.
func (o *oddClient) whole(method string) {
	for _, params := range []string{`true`, `"x"`, `""`, `[1]`, `[[]]`, `[null]`, `5`, `-1.5`, `1e400`, `{`, `[`,
		strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)} {
		got := o.ask(method, params)
		valid := json.Valid([]byte(params))
		switch {
		case !valid && !strings.Contains(got, `"code":-32700`), len(params) > 10_000 && !strings.Contains(got, `"id":"odd"`):
			o.t.Errorf("%s %s: answered %.200s", method, params, got)
		case valid && method == "sys.watchdog" && params[0] != '[' && params[0] != 't' && params[0] != '"':
		case valid && !strings.Contains(got, `"code":-32602`):
			o.t.Errorf("%s %s: answered %.200s", method, params, got)
		}
	}
}

// ask sends a call and returns its answer, "" if there is none yet. More than one, -32603 and what is no answer are errors.
func (o *oddClient) ask(method, params string) string {
	o.client.mu.Lock()
	o.client.got = nil
	o.client.mu.Unlock()
	o.client.conn.Receive([]byte(`{"id":"odd","method":"` + method + `","params":` + params + `}`))
	synctest.Wait()
	o.client.mu.Lock()
	defer o.client.mu.Unlock()
	if len(o.client.got) > 1 {
		o.t.Errorf("%s %.100s: %d answers", method, params, len(o.client.got))
	}
	if len(o.client.got) == 0 {
		return ""
	}
	answer := o.client.got[0].text
	var read struct {
		ID     json.RawMessage
		Result *json.RawMessage
		Error  *struct{ Code *int }
	}
	if err := json.Unmarshal([]byte(answer), &read); err != nil || !strings.HasSuffix(answer, "}") || // and no CR LF
		(read.Error == nil) == !strings.Contains(answer, `"result":`) {
		o.t.Errorf("%s %.100s: answered %.200s", method, params, answer)
	}
	if strings.Contains(answer, `"code":-32603`) {
		o.t.Errorf("%s %.100s: answered %.200s", method, params, answer)
	}
	return answer
}
