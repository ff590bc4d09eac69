package task_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestManyExpiredAtTheHead: detached tasks whose deadline nobody was told of stand before one that lives. Who pulls meets them, sixteen at a time, and gets
// the one that lives.
func TestManyExpiredAtTheHead(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	for n := range 100 {
		b.says(pusher.push("", fmt.Sprintf(`{"method":"math.late","params":%d,"prio":9223372036854775807,"timeout":61,"detach":true}`, n)), "")
	}
	b.says(pusher.push("7", "math.add"), "")
	b.Advance(62 * time.Second)
	looks := b.On("Query")
	before, claims := looks.Count(), b.On("UpdateItem", ":request").Count()
	b.says(worker.pull("1", "math"), "")
	got := worker.Got()
	if len(got) != 1 || !strings.Contains(got[0], `"method":"add"`) || len(b.listed(`{}`)) != 1 {
		t.Errorf("got %q", got)
	}
	if n := looks.Count() - before; n > 12 {
		t.Errorf("%d looks", n)
	}
	if n := b.On("UpdateItem", ":request").Count() - claims; n > 8 {
		t.Errorf("%d claims, one a look is enough", n)
	}
}
