package call_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"nexus/pkg/access"
	"nexus/pkg/call"
	"nexus/pkg/jsonrpc"
)

func TestTally(t *testing.T) {
	all := access.List{Depth: -1}
	for _, test := range []struct {
		how  access.Count
		want string
	}{
		{access.Count{List: all}, `{"count":9,"pulls":5}`},
		{access.Count{List: access.List{Depth: -1, Prefix: "a"}}, `{"count":6,"pulls":3}`},
		{access.Count{List: access.List{Depth: 1, Prefix: "a"}}, `{"count":2,"pulls":1}`},
		{access.Count{List: all, Subprefixes: true},
			`[{"prefix":".","count":2,"pulls":2},{"prefix":"a","count":6,"pulls":3},{"prefix":"ab","count":1,"pulls":0}]`},
		{access.Count{List: access.List{Depth: -1, Prefix: "a"}, Subprefixes: true},
			`[{"prefix":"a","count":1,"pulls":0},{"prefix":"a.b","count":5,"pulls":3}]`},
		{access.Count{List: access.List{Depth: -1, Skip: 1, Limit: 1}, Subprefixes: true}, `[{"prefix":"a","count":6,"pulls":3}]`},
	} {
		tally := call.NewTally(test.how, "pulls")
		tally.Add("a.", 1, 0)
		tally.Add("a.b.", 1, 1)
		tally.Add("a.b.c.", 4, 2)
		tally.Add("ab.", 1, 0)
		tally.Add(".", 2, 2)
		tally.Add("none.", 0, 0) // nothing there: no row
		got, err := tally.Outcome()
		if string(got) != `"result":`+test.want || err != nil {
			t.Errorf("%+v: %s %v, want %s", test.how, got, err, test.want)
		}
	}
}

// What does not fit one message is left out; where the client named a limit it is refused, saying what to do.
func TestListingsFitAMessage(t *testing.T) {
	const rows = 127
	row := []byte(`"` + strings.Repeat("x", 1024-3) + `"`) // a KB with its comma
	for _, named := range []bool{false, true} {
		l := call.NewListing(access.List{Named: named})
		for n := range rows + 1 {
			full, err := l.Add(row)
			if n < rows && (full || err != nil) || n == rows && (full == named || named != asksForLess(err)) {
				t.Fatalf("named %v, row %d: %v, %v", named, n, full, err)
			}
		}
		if got := len(l.Outcome()); l.Len() != rows || got > 128<<10 {
			t.Errorf("named %v: %d rows, %d bytes", named, l.Len(), got)
		}
		tally := call.NewTally(access.Count{List: access.List{Depth: -1, Named: named}, Subprefixes: true})
		for i := range 5000 {
			tally.Add(fmt.Sprintf("name%d", i), 1)
		}
		if outcome, err := tally.Outcome(); asksForLess(err) != named || !named && (len(outcome) > 128<<10 || len(outcome) < 126<<10) {
			t.Errorf("named %v: 5000 rows are %d bytes, %v", named, len(outcome), err)
		}
	}
	if full, err := call.NewListing(access.List{}).Add(make([]byte, 128<<10)); full || !asksForLess(err) {
		t.Errorf("a row that no message takes: %v, %v", full, err)
	}
}

func asksForLess(err error) bool {
	e, ok := errors.AsType[*jsonrpc.Error](err)
	return ok && e.Code == jsonrpc.InvalidParams && strings.Contains(e.Message, "limit")
}
