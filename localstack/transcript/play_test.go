package transcript

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fakeBus answers what its function says, and pings itself.
type fakeBus struct {
	answers func(text string) []string // "closed" ends the connection with 1000; nil is no answer
	still   bool                       // its clock cannot be moved
	dialed  []string
	sent    []string
	moved   time.Duration
	ends    []string
}

func (b *fakeBus) Dial(_ context.Context, stage string) (Conn, error) {
	b.dialed = append(b.dialed, stage)
	return &fakeConn{bus: b, in: make(chan string, 100)}, nil
}

func (b *fakeBus) Advance(_ context.Context, d time.Duration) error {
	if b.still {
		return ErrCannotAdvance
	}
	b.moved += d
	return nil
}

func (b *fakeBus) Root() (user, pass string) { return "root", `pa"ss` }

type fakeConn struct {
	bus *fakeBus
	in  chan string
}

func (c *fakeConn) Send(text []byte) error {
	var request struct {
		ID     string
		Method string
	}
	if json.Unmarshal(text, &request) == nil && request.Method == "sys.ping" && strings.HasPrefix(request.ID, "ping ") {
		c.in <- `{"jsonrpc":"2.0","id":"` + request.ID + `","result":"pong"}`
		return nil
	}
	c.bus.sent = append(c.bus.sent, string(text))
	for _, answer := range c.bus.answers(string(text)) {
		c.in <- answer
	}
	return nil
}

func (c *fakeConn) Receive(ctx context.Context) ([]byte, error) {
	select {
	case text := <-c.in:
		if text == "closed" {
			return nil, &CloseError{Code: 1000}
		}
		return []byte(text), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *fakeConn) Close() error {
	c.bus.ends = append(c.bus.ends, "close")
	return nil
}

func (c *fakeConn) Cut() error {
	c.bus.ends = append(c.bus.ends, "cut")
	return nil
}

// says answers each text in the order they are sent.
func says(answers ...[]string) func(string) []string {
	return func(string) []string {
		if len(answers) == 0 {
			return nil
		}
		answer := answers[0]
		answers = answers[1:]
		return answer
	}
}

func play(t *testing.T, bus *fakeBus, script string) error {
	t.Helper()
	s, err := Parse("story.txt", []byte(script))
	if err != nil {
		t.Fatal(err)
	}
	return s.Play(t.Context(), bus)
}

// What the player must accept and, above all, must not.
func TestPlay(t *testing.T) {
	for _, test := range []struct {
		name, script string
		answers      [][]string
		fails        []string // what the error says; none: it passes
	}{
		{name: "answer", script: `a --> {"id":1}
			a <-- {"id":1,"result":3}`, answers: [][]string{{`{"id":1,"result":3}`}}},
		{name: "any order", script: `a --> {"id":1}
			a --> {"id":2}
			a <-- {"id":1,"result":3}
			a <-- {"id":2,"result":4}`, answers: [][]string{nil, {`{"id":2,"result":4}`, `{"id":1,"result":3}`}}},
		{name: "wrong answer", script: `# a comment

			a --> {"id":1}
			a <-- {"id":1,"result":3}`, answers: [][]string{{`{"id":1,"result":4}`}},
			fails: []string{"story.txt:4: a expected", `{"id":1,"result":3}`, "at .result: expected 3, came 4", `came {"id":1,"result":4}`, "(on /v0)"}},
		{name: "error for result", script: `a --> {"id":1}
			a <-- {"id":1,"result":{"ok":true}}`, answers: [][]string{{`{"id":1,"error":{"code":-32010,"message":"Permission denied"}}`}},
			fails: []string{`member "result" did not come`}},
		{name: "missing answer", script: `a --> {"id":1}
			a <-- {"id":1,"result":3}`, answers: [][]string{nil}, fails: []string{"story.txt:2", "nothing more came within 20s"}},
		{name: "answer to another id", script: `a --> {"id":1}
			a <-- {"id":1,"result":3}`, answers: [][]string{{`{"id":2,"result":3}`}},
			fails: []string{"nothing more came", `came {"id":2,"result":3}`}},
		{name: "id as a string", script: `a --> {"id":1}
			a <-- {"id":1,"result":3}`, answers: [][]string{{`{"id":"1","result":3}`}}, fails: []string{"nothing more came"}},
		{name: "surplus", script: `a --> {"id":1}
			a <-- {"id":1,"result":3}`, answers: [][]string{{`{"id":1,"result":3}`, `{"id":1,"result":3}`}},
			fails: []string{"story.txt: at the end: a expected nothing more", `came {"id":1,"result":3}`}},
		{name: "surplus before a cut", script: `a --> {"id":1}
			a cut`, answers: [][]string{{`{"id":1,"result":3}`}}, fails: []string{"story.txt:2: a expected nothing more"}},
		{name: "not nothing", script: `a --> {"id":1}
			a <-- nothing
			a <-- {"id":1,"result":3}`, answers: [][]string{{`{"id":1,"result":3}`}}, fails: []string{"story.txt:2: a expected nothing more"}},
		{name: "nothing", script: `a --> {"method":"sys.ping"}
			a <-- nothing`, answers: [][]string{nil}},
		{name: "gateway error", script: `a --> {"id":1}
			a <-- {"id":1,"result":3}`, answers: [][]string{{`{"message":"Internal server error"}`}}, fails: []string{"a message without an id came"}},
		{name: "no JSON", script: `a --> {"id":1}
			a <-- {"id":1,"result":3}`, answers: [][]string{{``}}, fails: []string{"a message without an id came"}},
		{name: "binding", script: `a --> {"id":1}
			a <-- {"id":1,"result":{"taskid":"$task"}}
			a --> {"id":2,"task":"$task"}
			a <-- {"id":2,"result":"$task"}`, answers: [][]string{{`{"id":1,"result":{"taskid":"x"}}`}, {`{"id":2,"result":"x"}`}}},
		{name: "wrong binding", script: `a --> {"id":1}
			a <-- {"id":1,"result":{"taskid":"$task"}}
			a --> {"id":2,"task":"$task"}
			a <-- {"id":2,"result":"$task"}`, answers: [][]string{{`{"id":1,"result":{"taskid":"x"}}`}, {`{"id":2,"result":"y"}`}},
			fails: []string{"story.txt:4", `expected "$task", came "y"`}},
		{name: "a mismatch binds nothing", script: `a --> {"id":1}
			a --> {"id":2}
			a <-- {"id":$id,"result":3}
			a <-- {"id":$other,"result":4}`, answers: [][]string{{`{"id":1,"result":4}`}, {`{"id":2,"result":3}`}}},
		{name: "two requests with one id", script: `a --> {"id":1}
			a --> {"id":1}
			a <-- {"id":1,"result":3}
			a <-- {"id":1,"result":4}`, answers: [][]string{{`{"id":1,"result":4}`}, {`{"id":1,"result":3}`}}},
		{name: "null id", script: `a --> {
			a <-- {"id":null,"error":{"code":-32700,…}}`, answers: [][]string{{`{"id":null,"error":{"code":-32600}}`}},
			fails: []string{"at .error.code: expected -32700, came -32600"}},
		{name: "asked until", script: `a ~~> {"id":1}
			a <-- {"id":1,"result":3}`, answers: [][]string{{`{"id":1,"result":1}`}, {`{"id":1,"result":2}`}, {`{"id":1,"result":3}`}}},
		{name: "asked in vain", script: `a ~~> {"id":1}
			a <-- {"id":1,"result":200}`, answers: [][]string{{`{"id":1,"result":1}`}, {`{"id":1,"result":2}`}},
			fails: []string{"story.txt:1", "nothing more came within 20s"}},
		{name: "closed", script: `a --> {"id":1}
			a <-- closed 1000
			a --> {"id":2}
			a <-- {"id":2,"result":3}`, answers: [][]string{{"closed"}, {`{"id":2,"result":3}`}}},
		{name: "closed otherwise", script: `a --> {"id":1}
			a <-- closed 1009`, answers: [][]string{{"closed"}}, fails: []string{"expected to be closed with 1009", "closed with 1000"}},
		{name: "not closed", script: `a --> {"id":1}
			a <-- closed *`, answers: [][]string{nil}, fails: []string{"expected to be closed", "nothing more came"}},
		{name: "closed with a message left", script: `a --> {"id":1}
			a <-- closed *`, answers: [][]string{{`{"id":1,"result":3}`, "closed"}}, fails: []string{"expected nothing more"}},
		{name: "closed unexpectedly", script: `a --> {"id":1}
			a <-- {"id":1,"result":3}`, answers: [][]string{{"closed"}}, fails: []string{"connection closed with 1000"}},
		{name: "closed at the end", script: `a --> {"id":1}`, answers: [][]string{{"closed"}},
			fails: []string{"expected a ping's answer", "connection closed with 1000"}},
		{name: "connected twice", script: `a connect
			a connect /v1`, fails: []string{"story.txt:2: a is connected"}},
		{name: "not connected", script: `a <-- nothing`, fails: []string{"story.txt:1: a is not connected"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				err := play(t, &fakeBus{answers: says(test.answers...)}, strings.ReplaceAll(test.script, "\n\t\t\t", "\n"))
				if len(test.fails) == 0 && err != nil {
					t.Fatal(err)
				}
				if len(test.fails) > 0 && err == nil {
					t.Fatal("it passed")
				}
				for _, says := range test.fails {
					if !strings.Contains(err.Error(), says) {
						t.Errorf("%v\nexpected %q", err, says)
					}
				}
			})
		})
	}
}

func TestPlaySends(t *testing.T) {
	bus := &fakeBus{answers: func(text string) []string {
		if strings.Contains(text, "login") {
			return []string{`{"jsonrpc":"2.0","id":"login","result":{"ok":true,"connid":"1"}}`}
		}
		return nil
	}}
	err := play(t, bus, `on /v0 /v1
b connect /v7
a login
b login bob$uniq secret
a --> {"method":"x",
   "params":{"n":"${ab*2}"}}
@ 1m30s
b cut
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(bus.dialed, " "); got != "/v7 /v0 /v7 /v1" {
		t.Errorf("dialed %s", got)
	}
	if bus.moved != 3*time.Minute {
		t.Errorf("moved by %v", bus.moved)
	}
	if got := strings.Join(bus.ends, " "); got != "cut close cut close" {
		t.Errorf("ended by %s", got)
	}
	if len(bus.sent) != 6 || bus.sent[1] == bus.sent[4] {
		t.Fatalf("sent %q: each play has a $uniq of its own", bus.sent)
	}
	if want := `{"jsonrpc":"2.0","id":"login","method":"sys.login","params":{"user":"root","pass":"pa\"ss"}}`; bus.sent[0] != want {
		t.Errorf("sent %s, expected %s", bus.sent[0], want)
	}
	if want := `{"method":"x","params":{"n":"abab"}}`; bus.sent[2] != want {
		t.Errorf("sent %s, expected %s", bus.sent[2], want)
	}
}

func TestStillClock(t *testing.T) {
	bus := &fakeBus{still: true}
	if err := play(t, bus, "a connect\n@ 1s"); !errors.Is(err, ErrCannotAdvance) || bus.dialed != nil {
		t.Errorf("%v, dialed %v", err, bus.dialed)
	}
	if err := play(t, bus, "a connect"); err != nil {
		t.Error(err)
	}
}

func TestParseErrors(t *testing.T) {
	for script, says := range map[string]string{
		"":                            "x.txt: nothing to play",
		"# only\n":                    "nothing to play",
		"a connect\na ==> {}":         `x.txt:2: "==>" is none of`,
		"a":                           `"" is none of`,
		"a <-- {":                     "x.txt:1: byte 1",
		"a --> $x":                    "$x stands for nothing yet",
		`a <-- "x$y"`:                 "$y stands for nothing yet",
		`a <-- {"x$y":1}`:             "$y stands for nothing yet",
		"a <-- [$x]\na --> $x $y":     "x.txt:2: $y stands for nothing yet",
		"@ soon":                      "invalid duration",
		"@ -1s":                       "the clock goes forward",
		"a connect\non /v1":           "stand before everything else",
		"a login bob":                 "a user and a password",
		"a close now":                 `"now" after close`,
		"a ~~> {}":                    "after ~~> comes what a expects",
		"a ~~> {}\nb <-- {}":          "after ~~> comes what a expects",
		"a ~~> {}\na <-- closed 1000": "after ~~> comes what a expects",
		"a <-- closed x":              "invalid syntax",
	} {
		if _, err := Parse("x.txt", []byte(script)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, expected %q", script, err, says)
		}
	}
}

// The transcripts of the bus are well formed.
func TestParseTranscripts(t *testing.T) {
	files, err := filepath.Glob("../../pkg/nexus/testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d transcripts, %v", len(files), err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(filepath.Base(file), src); err != nil {
			t.Error(err)
		}
	}
}
