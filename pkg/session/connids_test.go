package session

import (
	"fmt"
	"testing"
)

// What is remembered is bounded: the last ones that were added are, at least so many and at most twice.
func TestConnidsForgetTheOldest(t *testing.T) {
	var c connids
	for n := range 10 * remembered {
		c.add(fmt.Sprint(n))
		if old := n - remembered + 1; old >= 0 && !c.has(fmt.Sprint(old)) {
			t.Fatalf("%d is forgotten after %d", old, n)
		}
		if held := len(c.young) + len(c.old); held > 2*remembered {
			t.Fatalf("%d are remembered", held)
		}
	}
	if c.has("0") {
		t.Error("the first is remembered")
	}
}
