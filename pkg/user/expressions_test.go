package user

import (
	"fmt"
	"testing"
)

// An expression is compiled once while it is kept; how many are is bounded.
func TestExpressionsAreKept(t *testing.T) {
	var e expressions
	first, err := e.compile("^10[.]")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := e.compile("^10[.]"); again != first || err != nil {
		t.Errorf("compiled again: %v", err)
	}
	if _, err := e.compile("("); err == nil || len(e.kept) != 1 {
		t.Errorf("%v, %d kept", err, len(e.kept))
	}
	for n := range 3 * keptExpressions {
		if _, err := e.compile(fmt.Sprint("a", n)); err != nil || len(e.kept) > keptExpressions {
			t.Fatalf("%v, %d kept", err, len(e.kept))
		}
	}
}
