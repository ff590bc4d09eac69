package user_test

import (
	"fmt"
	"strings"
	"testing"

	"nexus/localstack/harness"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/user"
)

// edited is the line of table for ana, whom only these attributes were changed of.
func edited(templates, whitelist, blacklist string, maxSessions int, disabled bool, request string) string {
	line := row("ana", "first", "{}", request)
	line = strings.Replace(line, "templates=[]", "templates="+templates, 1)
	line = strings.Replace(line, "whitelist=[]", "whitelist="+whitelist, 1)
	line = strings.Replace(line, "blacklist=[]", "blacklist="+blacklist, 1)
	line = strings.Replace(line, "maxsessions=50", fmt.Sprintf("maxsessions=%d", maxSessions), 1)
	return strings.Replace(line, "disabled=false", fmt.Sprintf("disabled=%t", disabled), 1)
}

// TestEdits makes each change twice: the second time there is nothing to change, and nothing is written. Each one's write is repeated once.
func TestEdits(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	u := b.users
	template := func(f func(*user.Users, *call.Call, user.Template) (jsonrpc.Outcome, error), name string) func(*call.Call) (jsonrpc.Outcome, error) {
		return func(c *call.Call) (jsonrpc.Outcome, error) {
			return f(u, c, user.Template{User: "ana", Template: name})
		}
	}
	add := func(u *user.Users, c *call.Call, p user.Template) (jsonrpc.Outcome, error) {
		return u.AddTemplate(b.ctx, c, p)
	}
	del := func(u *user.Users, c *call.Call, p user.Template) (jsonrpc.Outcome, error) {
		return u.DelTemplate(b.ctx, c, p)
	}
	ip := func(expr string) user.Address { return user.Address{User: "ana", IP: expr} }
	for _, step := range []struct {
		name string
		run  func(c *call.Call) (jsonrpc.Outcome, error)
		want func(request string) string
	}{
		{"addTemplate", template(add, "one"), func(r string) string { return edited("[one]", "[]", "[]", 50, false, r) }},
		{"addTemplate", template(add, "two"), func(r string) string { return edited("[one two]", "[]", "[]", 50, false, r) }},
		{"addTemplate", template(add, "ana"), func(r string) string { return edited("[one two ana]", "[]", "[]", 50, false, r) }},
		{"delTemplate", template(del, "two"), func(r string) string { return edited("[one ana]", "[]", "[]", 50, false, r) }},
		{"delTemplate", template(del, "ana"), func(r string) string { return edited("[one]", "[]", "[]", 50, false, r) }},
		{"addWhitelist", func(c *call.Call) (jsonrpc.Outcome, error) { return u.AddWhitelist(b.ctx, c, ip("a.*")) },
			func(r string) string { return edited("[one]", "[a.*]", "[]", 50, false, r) }},
		{"addBlacklist", func(c *call.Call) (jsonrpc.Outcome, error) { return u.AddBlacklist(b.ctx, c, ip("b.*")) },
			func(r string) string { return edited("[one]", "[a.*]", "[b.*]", 50, false, r) }},
		{"addBlacklist", func(c *call.Call) (jsonrpc.Outcome, error) { return u.AddBlacklist(b.ctx, c, ip("a.*")) },
			func(r string) string { return edited("[one]", "[a.*]", "[b.* a.*]", 50, false, r) }},
		{"delBlacklist", func(c *call.Call) (jsonrpc.Outcome, error) { return u.DelBlacklist(b.ctx, c, ip("b.*")) },
			func(r string) string { return edited("[one]", "[a.*]", "[a.*]", 50, false, r) }},
		{"delWhitelist", func(c *call.Call) (jsonrpc.Outcome, error) { return u.DelWhitelist(b.ctx, c, ip("a.*")) },
			func(r string) string { return edited("[one]", "[]", "[a.*]", 50, false, r) }},
		{"setMaxSessions", func(c *call.Call) (jsonrpc.Outcome, error) {
			return u.SetMaxSessions(b.ctx, c, user.SetMaxSessions{User: "ana", MaxSessions: -7})
		}, func(r string) string { return edited("[one]", "[]", "[a.*]", -7, false, r) }},
		{"setDisabled", func(c *call.Call) (jsonrpc.Outcome, error) {
			return u.SetDisabled(b.ctx, c, user.SetDisabled{User: "ana", Disabled: true})
		}, func(r string) string { return edited("[one]", "[]", "[a.*]", -7, true, r) }},
		{"setDisabled", func(c *call.Call) (jsonrpc.Outcome, error) {
			return u.SetDisabled(b.ctx, c, user.SetDisabled{User: "ana"})
		}, func(r string) string { return edited("[one]", "[]", "[a.*]", -7, false, r) }},
	} {
		c := b.call()
		n := b.On("UpdateItem").Count()
		b.On("UpdateItem").Lose(1)
		b.ok(step.run(c))
		b.want(step.want(c.Request))
		b.ok(step.run(b.call()))
		b.want(step.want(c.Request))
		if got := b.On("UpdateItem").Count() - n; got != 2 {
			t.Errorf("%s: %d requests, want the write and its repetition", step.name, got)
		}
	}
	got, err := u.ListTemplate(b.ctx, b.call(), user.ListTemplate{User: "ana"})
	if got != `"result":["one"]` || err != nil {
		t.Errorf("%s %v", got, err)
	}
}

func TestEditsOfNobody(t *testing.T) {
	b := newBench(t)
	for _, run := range []func() (jsonrpc.Outcome, error){
		func() (jsonrpc.Outcome, error) {
			return b.users.AddTemplate(b.ctx, b.call(), user.Template{User: "ghost", Template: "one"})
		},
		func() (jsonrpc.Outcome, error) {
			return b.users.DelWhitelist(b.ctx, b.call(), user.Address{User: "ghost", IP: "a"})
		},
		func() (jsonrpc.Outcome, error) {
			return b.users.SetDisabled(b.ctx, b.call(), user.SetDisabled{User: "ghost"})
		},
		func() (jsonrpc.Outcome, error) {
			return b.users.SetMaxSessions(b.ctx, b.call(), user.SetMaxSessions{User: "ghost"})
		},
		func() (jsonrpc.Outcome, error) {
			return b.users.ListTemplate(b.ctx, b.call(), user.ListTemplate{User: "ghost"})
		},
		func() (jsonrpc.Outcome, error) { return b.users.GetTags(b.ctx, b.call(), user.GetTags{User: "ghost"}) },
		func() (jsonrpc.Outcome, error) {
			return b.users.GetEffectiveTags(b.ctx, b.call(), user.GetEffectiveTags{User: "ghost"})
		},
	} {
		_, err := run()
		b.fails(err, jsonrpc.InvalidUser, "ghost")
	}
	b.want("")
}

// TestListsBound fills the lists to the last byte: a user of the longest name with the longest tags still fits a listing of its own.
func TestListsBound(t *testing.T) {
	b := newBench(t)
	name := strings.Repeat("n", 500)
	b.create(name, "first")
	b.ok(b.setTags(b.call(), `{"user":"`+name+`","prefix":".","tags":{"x":`+long(user.MaxTags-12)+`}}`))
	fill := user.MaxLists - 2*1000 - 250 - 2*1 // of the list's bytes
	b.set(name, "blacklist", store.Strings([]string{strings.Repeat("<", 998), strings.Repeat("b", 998)}))
	b.set(name, "templates", store.Strings([]string{strings.Repeat("t", fill-3)}))
	add := func(n int) error {
		_, err := b.users.AddWhitelist(b.ctx, b.call(), user.Address{User: name, IP: strings.Repeat("w", n)})
		return err
	}
	b.fails(add(249), jsonrpc.InvalidParams, "ip: with the templates and lists that the user has over 48 KB")
	if err := add(248); err != nil {
		t.Error(err)
	}
	_, err := b.users.AddTemplate(b.ctx, b.call(), user.Template{User: name, Template: "abc"})
	b.fails(err, jsonrpc.InvalidParams, "template: with the templates and lists that the user has over 48 KB")
	got, err := b.users.List(b.ctx, b.call(), everybody())
	if err != nil || !strings.Contains(string(got), strings.Repeat("<", 998)) {
		t.Errorf("%.100s… %v", got, err)
	}
}

func TestEditParams(t *testing.T) {
	for _, test := range []struct {
		why    func(params string) string
		params string
		detail string // "" for params that are good
	}{
		{harness.Detail(user.ReadTemplate), `{"user":"ana","template":"Bob"}`, ""},
		{harness.Detail(user.ReadTemplate), `{"user":"ana"}`, "template"},
		{harness.Detail(user.ReadTemplate), `{"user":"ana","template":"a b"}`, "template: holds white space"},
		{harness.Detail(user.ReadTemplate), `{"template":"bob"}`, "user"},
		{harness.Detail(user.ReadNewAddress), `{"user":"ana","ip":"172.17.*"}`, ""},
		{harness.Detail(user.ReadNewAddress), `{"user":"ana","ip":"("}`, ""}, // it is compiled for who may add it
		{harness.Detail(user.ReadNewAddress), `{"user":"ana","ip":""}`, "ip: empty"},
		{harness.Detail(user.ReadNewAddress), `{"user":"ana","ip":5}`, "ip"},
		{harness.Detail(user.ReadAddress), `{"user":"ana","ip":"("}`, ""},
		{harness.Detail(user.ReadAddress), `{"user":"ana"}`, "ip"},
		{harness.Detail(user.ReadSetMaxSessions), `{"user":"ana","maxsessions":-1}`, ""},
		{harness.Detail(user.ReadSetMaxSessions), `{"user":"ana","maxsessions":1.5}`, "maxsessions"},
		{harness.Detail(user.ReadSetMaxSessions), `{"user":"ana"}`, "maxsessions"},
		{harness.Detail(user.ReadSetDisabled), `{"user":"ana","disabled":false}`, ""},
		{harness.Detail(user.ReadSetDisabled), `{"user":"ana","disabled":null}`, "disabled"},
		{harness.Detail(user.ReadSetDisabled), `{"user":"ana","disabled":1}`, "disabled"},
		{harness.Detail(user.ReadRename), `{"user":"ana","new":"Bob"}`, ""},
		{harness.Detail(user.ReadRename), `{"user":"ana"}`, "new"},
		{harness.Detail(user.ReadRename), `{"user":"ana","new":"ab"}`, "new: under 3 bytes"},
		{harness.Detail(user.ReadRename), `{"user":"ana","new":"nobody"}`, "new: reserved"},
		{harness.Detail(user.ReadRename), `{"user":"ana","new":"a>bc"}`, "new: holds >"},
		{harness.Detail(user.ReadListTemplate), `{}`, "user"},
		{harness.Detail(user.ReadGetTags), `{}`, "user"},
		{harness.Detail(user.ReadGetEffectiveTags), `{"user":"ana","prefix":""}`, ""},
		{harness.Detail(user.ReadGetEffectiveTags), `{"user":"ana"}`, "prefix"},
		{harness.Detail(user.ReadGetEffectiveTags), `{"user":"ana","prefix":"a..b"}`, "prefix: empty label"},
	} {
		if got := test.why(test.params); got != test.detail {
			t.Errorf("%s: %q, want %q", test.params, got, test.detail)
		}
	}
}

// Tags that the templates bring count with one's own; what has no template's is own first.
func TestGetTags(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"ana", "one"} {
		b.create(name, "first")
	}
	b.ok(b.setTags(b.call(), `{"user":"one","prefix":"a.b","tags":{"x":1,"y":"<1>"}}`))
	b.ok(b.setTags(b.call(), `{"user":"one","prefix":"a","tags":{"z":1}}`))
	b.ok(b.setTags(b.call(), `{"user":"ana","prefix":"a.b","tags":{"x":2.0}}`))
	b.set("ana", "templates", store.Strings([]string{"ghost", "one", "ana"}))
	got, err := b.users.GetTags(b.ctx, b.call(), user.GetTags{User: "ana"})
	if want := `"result":{"tags":{"a":{"z":1},"a.b":{"x":2.0,"y":"<1>"}}}`; string(got) != want || err != nil {
		t.Errorf("%s %v, want %s", got, err, want)
	}
	for prefix, want := range map[string]string{"": `{}`, "a": `{"z":1}`, "a.b.c": `{"x":2.0,"y":"<1>","z":1}`, "a.bc": `{"z":1}`} {
		got, err := b.users.GetEffectiveTags(b.ctx, b.call(), user.GetEffectiveTags{User: "ana", Prefix: prefix})
		if string(got) != `"result":{"tags":`+want+`}` || err != nil {
			t.Errorf("%q: %s %v, want %s", prefix, got, err, want)
		}
	}
	b.set("ana", "tags", store.S(`{".":{"x":`+long(126<<10)+`,"y":`+long(2<<10)+`}}`))
	_, err = b.users.GetTags(b.ctx, b.call(), user.GetTags{User: "ana"})
	b.fails(err, jsonrpc.InvalidParams, "user: its tags, with those of its templates, do not fit one message")
}

// TestAddressesThatDoNotCompile: they are refused, and change nothing.
func TestAddressesThatDoNotCompile(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	before := b.table()
	for expr, detail := range map[string]string{"(": "ip: does not compile: missing closing )", "x{1000}": "ip: does not compile: too large"} {
		_, err := b.users.AddWhitelist(b.ctx, b.call(), user.Address{User: "ana", IP: expr})
		b.fails(err, jsonrpc.InvalidParams, detail)
		_, err = b.users.AddBlacklist(b.ctx, b.call(), user.Address{User: "ana", IP: expr})
		b.fails(err, jsonrpc.InvalidParams, detail)
	}
	b.want(before)
}
