package nexus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nexus/localstack/gateway"
	"nexus/localstack/stack"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"
	"nexus/pkg/store"
	"nexus/pkg/user"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// line says what a method needs permission on, and how to call it so that it needs just that.
type line struct {
	params  string
	subject string            // "" for a method that needs no tag
	besides map[string]string // the tags of a second permission that it needs, by prefix
	alike   bool              // @admin on that prefix is no use to who has it not on the subject
	silent  bool              // allowed, it waits
	session bool              // it is about the session named $victim, of the user that is the subject
	entered bool              // who has not logged in needs a tag
}

// anybodys is a method that needs neither a tag nor a login, free one that needs a login.
func anybodys(params string) line { return line{params: params} }
func free(params string) line     { return line{params: params, entered: true} }

const subject = "demo.team.x" // of most lines; a user, a path, a lock alike

func on(params string) line { return line{params: params, subject: subject} }

// lines has a line per method of the table.
func lines() map[string]line {
	user := on(`{"user":"demo.team.x"}`)
	listing := on(`{"prefix":"Demo.team.x."}`)
	address := on(`{"user":"demo.team.x","ip":"a"}`)
	lock := on(`{"lock":"demo.team.x"}`)
	template := line{params: `{"user":"demo.team.x","template":"other.name"}`, subject: subject,
		besides: map[string]string{"other.name": "@user.useTemplate"}}
	victim := line{params: `{"connId":"$victim"}`, subject: subject, session: true}
	return map[string]line{
		"pipe.close":            free(`{"pipeid":"nosuch"}`),
		"pipe.create":           free(`{"len":1}`),
		"pipe.read":             free(`{"pipeid":"nosuch"}`),
		"pipe.write":            free(`{"pipeid":"nosuch","msg":1}`),
		"sync.count":            listing,
		"sync.list":             listing,
		"sync.lock":             lock,
		"sync.unlock":           lock,
		"sys.login":             anybodys(`{"user":"root","pass":"root"}`),
		"sys.node.list":         {params: `{}`, subject: "sys.node"},
		"sys.ping":              anybodys(`null`),
		"sys.reload":            anybodys(`null`),
		"sys.session.count":     listing,
		"sys.session.kick":      victim,
		"sys.session.list":      listing,
		"sys.session.reload":    victim,
		"sys.version":           anybodys(`null`),
		"sys.watchdog":          anybodys(`60`),
		"task.cancel":           free(`{"taskid":"nosuch"}`),
		"task.count":            listing,
		"task.error":            free(`{"taskid":"nosuch"}`),
		"task.list":             listing,
		"task.pull":             {params: `{"prefix":"demo.team.x"}`, subject: subject, silent: true},
		"task.push":             on(`{"method":"demo.team.x","params":1,"detached":true}`),
		"task.reject":           free(`{"taskid":"nosuch"}`),
		"task.result":           free(`{"taskid":"nosuch"}`),
		"topic.count":           listing,
		"topic.list":            listing,
		"topic.pub":             on(`{"topic":"demo.team.x","msg":1}`),
		"topic.sub":             on(`{"pipeid":"nosuch","topic":"demo.team.x"}`),
		"topic.unsub":           on(`{"pipeid":"nosuch","topic":"demo.team.x"}`),
		"user.addBlacklist":     address,
		"user.addTemplate":      template,
		"user.addWhitelist":     address,
		"user.count":            listing,
		"user.create":           on(`{"user":"demo.team.x","pass":"secret"}`),
		"user.delBlacklist":     address,
		"user.delTags":          on(`{"user":"other.name","prefix":"demo.team.x","tags":["a"]}`),
		"user.delTemplate":      template,
		"user.delWhitelist":     address,
		"user.delete":           user,
		"user.getEffectiveTags": on(`{"user":"demo.team.x","prefix":"other"}`),
		"user.getTags":          user,
		"user.list":             listing,
		"user.listTemplate":     user,
		"user.rename": {params: `{"user":"demo.team.x","new":"other.name"}`, subject: subject,
			besides: map[string]string{"other.name": "@user.rename"}, alike: true},
		"user.setDisabled":    on(`{"user":"demo.team.x","disabled":true}`),
		"user.setMaxSessions": on(`{"user":"demo.team.x","maxsessions":1}`),
		"user.setPass":        on(`{"user":"demo.team.x","pass":"secret"}`),
		"user.setTags":        on(`{"user":"other.name","prefix":"demo.team.x","tags":{"a":1}}`),
	}
}

// situation is who calls: the tags in force for a session, by prefix.
type situation struct {
	name    string
	tags    map[string]map[string]any
	nobody  bool
	allowed bool
}

// situations are those that a method meets on a subject. tag is the method's.
func situations(tag, subject string) []situation {
	parent, _, _ := cutLast(subject)
	at := func(prefix, tag string, value any) map[string]map[string]any {
		return map[string]map[string]any{prefix: {tag: value}}
	}
	and := func(one, two map[string]map[string]any) map[string]map[string]any {
		both := maps.Clone(one)
		maps.Copy(both, two)
		return both
	}
	return []situation{
		{name: "right tag", tags: at(subject, tag, true), allowed: true},
		{name: "right tag, a number", tags: at(subject, tag, 2.5), allowed: true},
		{name: "tag on a parent prefix", tags: at(parent, tag, true), allowed: true},
		{name: "tag on .", tags: at(".", tag, true), allowed: true},
		{name: "tag on a sibling", tags: at(parent+".sibling", tag, true)},
		{name: "tag on what begins alike", tags: at(subject+"y", tag, true)},
		{name: "tag below", tags: at(subject+".below", tag, true)},
		{name: "tag overridden at .", tags: and(at(subject, tag, true), at(".", tag, false))},
		{name: "tag overridden at . by 0", tags: and(at(subject, tag, true), at(".", tag, 0))},
		{name: "tag overridden at a parent prefix", tags: and(at(subject, tag, true), at(parent, tag, false))},
		{name: "false overridden at .", tags: and(at(subject, tag, false), at(".", tag, true)), allowed: true},
		{name: "tag that is no truth value", tags: at(subject, tag, "true")},
		{name: "tag of another method", tags: at(".", "@no.such", true)},
		{name: "tag without @", tags: at(".", strings.TrimPrefix(tag, "@"), true)},
		{name: "admin", tags: at(subject, "@admin", true), allowed: true},
		{name: "admin on a parent prefix", tags: at(parent, "@admin", true), allowed: true},
		{name: "admin on .", tags: at(".", "@admin", true), allowed: true},
		{name: "admin on a sibling", tags: at(parent+".sibling", "@admin", true)},
		{name: "admin overridden at .", tags: and(at(subject, "@admin", true), at(".", "@admin", false))},
		{name: "admin whose tag is false", tags: and(at(subject, "@admin", true), at(".", tag, false)), allowed: true},
		{name: "none"},
		{name: "nobody", nobody: true},
	}
}

// cutLast cuts a name's last label off.
func cutLast(name string) (before, last string, found bool) {
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return ".", name, false
	}
	return name[:dot], name[dot+1:], true
}

// guarded is a bus in a bubble whose sessions get the tags that a situation has.
type guarded struct {
	*stack.Stack
	t       *testing.T
	db      *store.DB
	victims int
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{t: t}
	chances := handler.Chances()
	chances.Sleep = func(context.Context, time.Duration) error { return nil } // what a call brings is done when nothing moves
	var err error
	g.Stack, err = stack.Start(t.Context(), stack.Config{Manual: true, Chances: &chances,
		Log:    slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
		Adjust: func(set *nexus.Settings) { set.PasswordCost = user.Cost{Memory: 64, Passes: 1, Parallelism: 1} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	g.db = store.New(dynamodb.New(dynamodb.Options{Region: stack.Region, HTTPClient: &http.Client{Transport: g.Engine},
		BaseEndpoint: aws.String("http://local.invalid"), Credentials: credentials.NewStaticCredentialsProvider("local", "local", "")}),
		stack.TablePrefix, func(context.Context, int) error { return nil })
	return g
}

// put gives a session a user and tags, or makes it.
func (g *guarded) put(connid, user string, tags any) {
	g.t.Helper()
	text, err := json.Marshal(tags)
	if err != nil {
		g.t.Fatal(err)
	}
	if _, err := g.db.Do(g.t.Context(), store.Write{Table: store.Sessions, Item: store.Item{"id": store.S(connid), "state": store.S("live"),
		"user": store.S(user), "uid": store.S(actor), "tags": store.S(string(text)), "req": store.S("r"), "wd": store.N(90)}}); err != nil {
		g.t.Fatal(err)
	}
}

// actor is the uid of the user that sessions are of.
const actor = "the actor's"

// user makes, past the bus, a user that sessions are of, as it was.
func (g *guarded) user(name string) {
	g.t.Helper()
	if _, err := g.db.Do(g.t.Context(), store.Write{Table: store.Users, Item: store.Item{"user": store.S(name), "uid": store.S(actor), "tags": store.S("{}"),
		"req": store.S("r")}}); err != nil {
		g.t.Fatal(err)
	}
}

// denied calls a method in a situation and tells whether it was denied.
func (g *guarded) denied(m nexus.Method, l line, s situation) bool {
	g.t.Helper()
	c := &client{}
	stage := m.Only
	if stage == "" {
		stage = nexus.V0
	}
	var err error
	if c.conn, err = g.Gateway.Connect(g.t.Context(), stage, gateway.ConnectRequest{SourceIP: "192.0.2.7"}, c); err != nil {
		g.t.Fatal(err)
	}
	defer func() {
		c.conn.Closed(1000, "")
		synctest.Wait()
	}()
	connid, err := g.Bus.Sessions.Post.Connid(stage, c.conn.ID())
	if err != nil {
		g.t.Fatal(err)
	}
	g.user("actor")
	tags := s.tags
	if tags == nil {
		tags = map[string]map[string]any{}
	}
	user := "actor"
	if s.nobody {
		user = "nobody"
	}
	g.put(connid, user, tags)
	params := l.params
	if l.session {
		g.victims++
		victim := fmt.Sprintf("a connection of victim%04d", g.victims)
		g.put(victim, l.subject, map[string]any{})
		g.user(l.subject)
		params = strings.ReplaceAll(params, "$victim", victim)
	}
	c.conn.Receive([]byte(`{"id":1,"method":"` + m.Name + `","params":` + params + `}`))
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.got) == 0 && l.silent {
		return false
	}
	if len(c.got) != 1 {
		g.t.Fatalf("%s, %s: %d answers", m.Name, s.name, len(c.got))
	}
	if l.session { // one that may not be had counts as not there
		return !strings.Contains(c.got[0].text, `ed":1}`)
	}
	return strings.Contains(c.got[0].text, `"code":-32010`)
}

// TestPermissions crosses every method of the table with every situation.
func TestPermissions(t *testing.T) {
	table := lines()
	var methods []string
	for _, m := range nexus.Methods() {
		methods = append(methods, m.Name)
	}
	slices.Sort(methods)
	if known := slices.Sorted(maps.Keys(table)); !slices.Equal(known, methods) {
		t.Fatalf("the methods are\n%v, the lines are of\n%v", methods, known)
	}
	for _, m := range nexus.Methods() {
		t.Run(m.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { newGuarded(t).holds(m, table[m.Name]) })
		})
	}
}

// holds plays a method's situations.
func (g *guarded) holds(m nexus.Method, l line) {
	name := l.subject
	if name == "" {
		name = subject
	}
	for _, s := range situations("@"+m.Name, name) {
		want := !s.allowed && l.subject != "" || s.nobody && l.entered
		if l.besides == nil {
			if got := g.denied(m, l, s); got != want {
				g.t.Errorf("%s: denied %t, want %t", s.name, got, want)
			}
			continue
		}
		for prefix, tag := range l.besides {
			for _, second := range []struct {
				tag   string
				value any
				given bool
			}{{tag, true, true}, {"@admin", true, true}, {tag, false, false}, {"@no.such", true, false}} {
				both := s
				if !s.nobody {
					both.tags = maps.Clone(s.tags)
					if both.tags == nil {
						both.tags = map[string]map[string]any{}
					}
					both.tags[prefix] = map[string]any{second.tag: second.value}
				}
				given := second.given
				// What is said at "." is said on the second name too.
				if root := s.tags["."]; root[tag] == true || root["@admin"] == true {
					given = true
				} else if _, says := root[second.tag]; says {
					given = false
				}
				if l.alike && second.tag == "@admin" && !strings.HasPrefix(s.name, "admin") {
					given = false
				}
				if got, want := g.denied(m, l, both), want || !given; got != want {
					g.t.Errorf("%s, %s %v on %s: denied %t, want %t", s.name, second.tag, second.value, prefix, got, want)
				}
			}
		}
	}
}

// What a session may do to its own user without a tag. The tag that is explicitly false takes only setPass away.
func TestPermissionsOnOneself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(t)
		table := lines()
		self := map[string]bool{"user.getEffectiveTags": true, "user.getTags": true, "user.setPass": true}
		for _, m := range nexus.Methods() {
			l := table[m.Name]
			if l.subject != subject || l.besides != nil || l.session {
				continue
			}
			l.params = strings.ReplaceAll(l.params, subject, "actor")
			if got, want := g.denied(m, l, situation{name: "oneself"}), !self[m.Name]; got != want {
				t.Errorf("%s: denied %t, want %t", m.Name, got, want)
			}
			no := situation{name: "oneself, false", tags: map[string]map[string]any{"actor": {"@" + m.Name: false}}}
			if got, want := g.denied(m, l, no), !self[m.Name] || m.Name == "user.setPass"; got != want {
				t.Errorf("%s, false: denied %t, want %t", m.Name, got, want)
			}
			l.params = strings.ReplaceAll(l.params, "actor", "nobody")
			if !g.denied(m, l, situation{name: "nobody on nobody", nobody: true}) && m.Name != "user.create" {
				t.Errorf("%s: nobody may do it to nobody", m.Name)
			}
		}
	})
}

// What nobody's tags allow, where a user of that name was given some: what a guard asks for, by the same rules; and where none does, what names the method
// or its family on everything.
func TestPermissionsOfNobody(t *testing.T) {
	table := lines()
	for _, m := range nexus.Methods() {
		l := table[m.Name]
		if !l.entered && l.subject != subject || l.besides != nil || l.session {
			continue
		}
		t.Run(m.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newGuarded(t)
				family, _, _ := strings.Cut(m.Name, ".")
				for _, s := range []struct {
					prefix, tag   string
					value         any
					guarded, free bool // whether it allows a guarded method, and one that is not
				}{
					{".", "@" + m.Name, true, true, true},
					{".", "@" + m.Name, 1, true, true},
					{".", "@admin", true, true, true},
					{".", "@" + family, true, false, true},
					{".", "@" + family, false, false, false},
					{".", "@" + m.Name, "true", false, false},
					{".", family, true, false, false},
					{".", "@" + m.Name + "x", true, false, false},
					{".", "@other", true, false, false},
					{subject, "@" + m.Name, true, true, false},
					{subject, "@admin", true, true, false},
					{subject, "@" + family, true, false, false},
				} {
					allowed := s.guarded
					if l.entered {
						allowed = s.free
					}
					nobody := situation{nobody: true, tags: map[string]map[string]any{s.prefix: {s.tag: s.value}}}
					if got := g.denied(m, l, nobody); got == allowed {
						t.Errorf("%s %v on %s: denied %t", s.tag, s.value, s.prefix, got)
					}
				}
			})
		})
	}
}
