package stack_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"nexus/localstack/stack"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"

	"github.com/coder/websocket"
)

// record is a log that can be read while it is written.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

func basic(pair string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}}
}

func offer(pair string) string { return "basic." + base64.RawURLEncoding.EncodeToString([]byte(pair)) }

// doors are a closed and an open bus, with some users; log is all that is logged.
func doors(t *testing.T, access string) (s *stack.Stack, log *record) {
	t.Helper()
	log = &record{}
	s, err := stack.Start(t.Context(), stack.Config{Listen: "127.0.0.1:0", Adjust: cheap, Env: map[string]string{handler.EnvAccess: access},
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	root, status := dial(t, "ws://"+s.Addr+"/v0", basic("root:root"), "")
	if status != http.StatusSwitchingProtocols {
		t.Fatal(status)
	}
	for n, request := range []string{
		`"method":"user.create","params":{"user":"ana","pass":"se:cret ü?"}`,
		`"method":"user.setTags","params":{"user":"ana","prefix":".","tags":{"@sys.session.list":true}}`,
		`"method":"user.create","params":{"user":"off","pass":"se:cret ü?"}`,
		`"method":"user.setDisabled","params":{"user":"off","disabled":true}`,
		`"method":"user.create","params":{"user":"far","pass":"se:cret ü?"}`,
		`"method":"user.addBlacklist","params":{"user":"far","ip":"^127"}`,
	} {
		if got, want := asks(t, root, fmt.Sprintf(`{"id":%d,%s}`, n, request)), fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":{"ok":true}}`, n); got != want {
			t.Fatal(got)
		}
	}
	return s, log
}

// users lists who has how many sessions.
func users(t *testing.T, ws *websocket.Conn) string {
	t.Helper()
	return asks(t, ws, `{"id":"users","method":"sys.session.count","params":{"subprefixes":true}}`)
}

const secret = "se:cret ü?"

// Credentials are checked as a connection is opened, on an open bus and on a closed one; who is let in is logged in. On a closed one nobody is let in without.
func TestAClosedDoor(t *testing.T) {
	for _, access := range []string{"open", "closed"} {
		t.Run(access, func(t *testing.T) {
			s, log := doors(t, access)
			without := map[string]int{"open": 101, "closed": 401}[access]
			twice := basic("ana:" + secret)
			twice.Add("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte("ana:"+secret)))
			for _, test := range []struct {
				name         string
				header       http.Header
				subprotocols []string
				want         int
				echoed       string
				stranger     bool // and not logged in
			}{
				{"nothing", nil, nil, without, "", true},
				{"a subprotocol alone", nil, []string{"nexus"}, without, "nexus", true},
				{"another scheme", http.Header{"Authorization": {"Bearer abc"}}, nil, without, "", true},
				{"Basic", basic("ana:" + secret), nil, 101, "", false},
				{"Basic in other letters", http.Header{"Authorization": {strings.Replace(basic("ANA:"+secret).Get("Authorization"), "Basic", "bAsIc", 1)}}, nil, 101, "", false},
				{"Basic and a subprotocol", basic("ana:" + secret), []string{"jsonrpc"}, 101, "jsonrpc", false},
				{"a subprotocol's", nil, []string{"nexus", offer("ana:" + secret)}, 101, "nexus", false},
				{"in the other order", nil, []string{offer("ana:" + secret), "nexus"}, 101, "nexus", false},
				{"a subprotocol's without nexus", nil, []string{offer("ana:" + secret)}, 101, "", false}, // which a browser gives up
				{"as another", basic("root>ana:root"), nil, 101, "", false},
				{"a wrong password", basic("ana:wrong"), nil, 401, "", false},
				{"a wrong password in a subprotocol", nil, []string{"nexus", offer("ana:wrong")}, 401, "", false},
				{"no such user", basic("ghost:" + secret), nil, 401, "", false},
				{"nobody", basic("nobody:" + secret), nil, 401, "", false},
				{"no possible user", basic(" :x"), nil, 401, "", false},
				{"as another without the right", basic("ana>root:" + secret), nil, 401, "", false},
				{"disabled", basic("off:" + secret), nil, 401, "", false},
				{"from a listed address", basic("far:" + secret), nil, 401, "", false},
				{"no password", basic("ana"), nil, 401, "", false},
				{"no base64", http.Header{"Authorization": {"Basic %"}}, nil, 401, "", false},
				{"no base64url", nil, []string{"nexus", "basic.$"}, 401, "", false},
				{"empty", http.Header{"Authorization": {"Basic"}}, nil, 401, "", false},
				{"two of them", twice, nil, 401, "", false},
				{"both ways", basic("ana:" + secret), []string{"nexus", offer("ana:" + secret)}, 401, "", false},
			} {
				ws, status := dial(t, "ws://"+s.Addr+"/v1", test.header, "", test.subprotocols...)
				if status != test.want {
					t.Errorf("%s: %d, want %d", test.name, status, test.want)
					continue
				}
				if status != http.StatusSwitchingProtocols {
					continue
				}
				if ws.Subprotocol() != test.echoed {
					t.Errorf("%s: the subprotocol %q, want %q", test.name, ws.Subprotocol(), test.echoed)
				}
				want := `{"jsonrpc":"2.0","id":1,"result":{"ok":true}}`
				if test.stranger {
					want = `{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"Invalid request:[not logged in]"}}`
				}
				if got := asks(t, ws, `{"id":1,"method":"sys.reload"}`); got != want {
					t.Errorf("%s: %s, want %s", test.name, got, want)
				}
				if err := ws.Close(websocket.StatusNormalClosure, ""); err != nil {
					t.Error(err)
				}
			}
			for _, hidden := range []string{secret, base64.StdEncoding.EncodeToString([]byte("ana:" + secret)), offer("ana:" + secret), offer("ana:wrong"), "wrong",
				base64.StdEncoding.EncodeToString([]byte("root:root"))} {
				if strings.Contains(log.String(), hidden) {
					t.Errorf("the log holds %q:\n%s", hidden, log)
				}
			}
			if !strings.Contains(log.String(), nexus.ErrUnauthorized.Error()) {
				t.Errorf("the log says of no refusal: %s", log)
			}
		})
	}
}

// Who connects with credentials counts among the user's sessions, and is reached by kick and reload as who logged in later.
func TestCredentialsAreALogin(t *testing.T) {
	s, _ := doors(t, "closed")
	root, _ := dial(t, "ws://"+s.Addr+"/v0", basic("root:root"), "")
	if got := asks(t, root, `{"id":0,"method":"user.setMaxSessions","params":{"user":"ana","maxsessions":2}}`); !strings.Contains(got, `"ok":true`) {
		t.Fatal(got)
	}
	var open []*websocket.Conn
	for range 2 {
		ws, status := dial(t, "ws://"+s.Addr+"/v0", basic("ana:"+secret), "")
		if status != http.StatusSwitchingProtocols {
			t.Fatal(status)
		}
		open = append(open, ws)
	}
	if _, status := dial(t, "ws://"+s.Addr+"/v0", basic("ana:"+secret), ""); status != http.StatusUnauthorized {
		t.Errorf("a third session of two: %d", status)
	}
	if got := users(t, root); !strings.Contains(got, `{"prefix":"ana","count":2}`) || strings.Contains(got, "nobody") {
		t.Error(got)
	}
	if got := asks(t, open[0], `{"id":1,"method":"sys.session.list","params":{"prefix":"ana"}}`); !strings.Contains(got, `"n":2`) { // by the tags of the login
		t.Error(got)
	}
	if got := asks(t, open[0], `{"id":2,"method":"user.setPass","params":{"user":"ana","pass":"another"}}`); got != `{"jsonrpc":"2.0","id":2,"result":{"ok":true}}` {
		t.Errorf("one's own password: %s", got)
	}
	_ = open[1].Close(websocket.StatusNormalClosure, "")
	for n := 0; !strings.Contains(users(t, root), `{"prefix":"ana","count":1}`); n++ { // its $disconnect comes behind
		if n == 10_000 {
			t.Fatal("a closed connection is a session still")
		}
	}
	for _, pass := range []string{secret, "another"} {
		want := map[bool]int{true: 101, false: 401}[pass == "another"]
		if _, status := dial(t, "ws://"+s.Addr+"/v0", basic("ana:"+pass), ""); status != want {
			t.Errorf("%q: %d, want %d", pass, status, want)
		}
	}
	// Another login on it wins, as ever.
	if got := asks(t, open[0], `{"id":3,"method":"sys.login","params":{"user":"root","pass":"root"}}`); !strings.Contains(got, `"user":"root"`) {
		t.Error(got)
	}
}

// Wrong passwords are counted wherever they are tried: as connections are opened they slow down sys.login, and the other way round.
func TestWrongPasswordsAtTheDoorAreCounted(t *testing.T) {
	s, _ := doors(t, "open")
	for range 11 {
		if _, status := dial(t, "ws://"+s.Addr+"/v0", basic("ana:wrong"), ""); status != http.StatusUnauthorized {
			t.Fatal(status)
		}
	}
	if _, status := dial(t, "ws://"+s.Addr+"/v0", basic("ana:"+secret), ""); status != http.StatusUnauthorized {
		t.Errorf("the right one too early: %d", status)
	}
	ws, _ := dial(t, "ws://"+s.Addr+"/v0", nil, "")
	got := asks(t, ws, `{"id":1,"method":"sys.login","params":{"user":"ana","pass":"`+secret+`"}}`)
	if got != `{"jsonrpc":"2.0","id":1,"error":{"code":-32012,"message":"Limit exceeded:[too many failed logins, wait]"}}` {
		t.Error(got)
	}
}
