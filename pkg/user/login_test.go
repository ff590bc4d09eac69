package user_test

import (
	"testing"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
	"nexus/pkg/user"
)

func TestLogin(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"ana", "bob", "off", "far", "far.exempt"} {
		b.create(name, "first")
	}
	b.ok(b.setTags(b.call(), `{"user":"ana","prefix":"bob","tags":{"@admin":true}}`))
	b.ok(b.setTags(b.call(), `{"user":"ana","prefix":"off","tags":{"@admin":1}}`))
	b.ok(b.setTags(b.call(), `{"user":"ana","prefix":"ghost","tags":{"@admin":true}}`))
	b.ok(b.setTags(b.call(), `{"user":"off","prefix":".","tags":{"@admin":true}}`))
	b.set("bob", "maxsessions", store.N(-1))
	b.set("off", "disabled", store.Bool(true))
	b.set("far", "blacklist", store.Strings([]string{`^10\.`}))
	b.set("far.exempt", "blacklist", store.Strings([]string{`^10\.`}))
	b.set("far.exempt", "whitelist", store.Strings([]string{`\.9$`}))

	const nothing = ""
	tests := []struct{ user, as, pass, ip, refusal string }{
		{"ana", "ana", "first", "10.0.0.1", nothing},
		{"ana", "ana", "Third", "10.0.0.1", "Permission denied"},
		{"ghost", "ghost", "first", "10.0.0.1", "Permission denied"},
		{"off", "off", "first", "10.0.0.1", "Permission denied:[off is disabled]"},
		{"off", "off", "wrong", "10.0.0.1", "Permission denied"},
		{"far", "far", "first", "10.0.0.9", "Permission denied:[far from 10.0.0.9]"},
		{"far", "far", "first", "11.0.0.9", nothing},
		{"far.exempt", "far.exempt", "first", "10.0.0.9", nothing},
		{"far.exempt", "far.exempt", "first", "10.0.0.8", "Permission denied:[far.exempt from 10.0.0.8]"},
		{"ana", "bob", "first", "10.0.0.1", nothing},
		{"ana", "bob", "wrong", "10.0.0.1", "Permission denied"},
		{"ana", "far", "first", "10.0.0.1", "Permission denied:[@admin on far]"},
		{"ana", "ghost", "first", "10.0.0.1", "Permission denied"},
		{"ana", "off", "first", "10.0.0.1", "Permission denied:[off is disabled]"},
		{"off", "ana", "first", "10.0.0.1", "Permission denied:[off is disabled]"},
		{"bob", "ana", "first", "10.0.0.1", "Permission denied:[@admin on ana]"},
	}
	before := b.table()
	for _, test := range tests {
		in, err := b.users.Login(b.ctx, test.user, test.as, test.pass, test.ip)
		if test.refusal != nothing {
			e, known := jsonrpc.From(err)
			if !known || e.Code != jsonrpc.PermissionDenied || e.Message != test.refusal || in.User != "" || in.Tags != nil {
				t.Errorf("%s>%s %s from %s: %v, want %s", test.user, test.as, test.pass, test.ip, err, test.refusal)
			}
			continue
		}
		want := int64(user.DefaultMaxSessions)
		if test.as == "bob" {
			want = -1
		}
		if err != nil || in.User != test.as || in.MaxSessions != want {
			t.Errorf("%s>%s from %s: %q %d %v", test.user, test.as, test.ip, in.User, in.MaxSessions, err)
		}
	}
	b.want(before)
}

// TestEqualWork compares what a login of no user and one with a wrong password ask of the table; TestVerifyNobody does so for the hash.
func TestEqualWork(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	b.create("tpl", "first")
	b.set("ana", "templates", store.Strings([]string{"tpl"}))
	for _, name := range []string{"ana", "ghost", " an", "nobody"} {
		gets, batches := b.On("GetItem").Count(), b.On("BatchGetItem").Count()
		_, err := b.users.Login(b.ctx, name, name, "wrong", "10.0.0.1")
		b.fails(err, jsonrpc.PermissionDenied, "")
		if n, m := b.On("GetItem").Count()-gets, b.On("BatchGetItem").Count()-batches; n != 1 || m != 1 {
			t.Errorf("%s: %d reads and %d of counters, want 1 and 1", name, n, m)
		}
	}
}

func TestInForce(t *testing.T) {
	b := newBench(t)
	for name, tags := range map[string]string{"ana": `{"own":1}`, "one": `{"own":2,"one":1}`, "two": `{"one":2,"two":"<2>"}`, "deep": `{"two":0,"deep":[ ]}`} {
		b.create(name, "first")
		b.ok(b.setTags(b.call(), `{"user":"`+name+`","prefix":"a","tags":`+tags+`}`))
	}
	b.set("ana", "templates", store.Strings([]string{"one", "gone", "two"}))
	b.set("one", "templates", store.Strings([]string{"deep", "ana"}))
	uid := b.item("ana").Str("uid")
	in, err := b.users.InForce(b.ctx, "ana", uid)
	if got, want := string(in.Tags.JSON()), `{"a":{"deep":[ ],"one":1,"own":1,"two":0}}`; err != nil || in.User != "ana" || got != want {
		t.Errorf("%s %s %v, want %s", in.User, got, err, want)
	}
	for name, uid := range map[string]string{"gone": uid, "one": uid, "ana": "", "nobody": ""} {
		_, err = b.users.InForce(b.ctx, name, uid)
		b.fails(err, jsonrpc.InvalidRequest, "the user is no more")
	}
	b.set("ana", "disabled", store.Bool(true))
	_, err = b.users.InForce(b.ctx, "ana", uid)
	b.fails(err, jsonrpc.PermissionDenied, "ana is disabled")
}
