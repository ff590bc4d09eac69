package task_test

import (
	"strings"
	"testing"
)

// TestTaskids: what names no task is -32002, whatever it is, and changes nothing.
func TestTaskids(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(pusher.push("7", "math.add"), "")
	b.says(worker.pull("1", "math"), "")
	worker.Got()
	before := b.state()
	good := b.names.taskid("A")
	id, _, _ := strings.Cut(good, "-")
	for _, taskid := range []string{"", "-", "x", id, id + "-", id + "math.", id + "--math.", id + "-math", id + "-math. ", id + "-math. 1", id + "-MATH.",
		id + "-text.", id + "-@paths", id[:25] + "-math.", id + "0-math.", "x" + id + "-math.", strings.ToLower(id) + "-math.", " " + good, good + ".",
		strings.Repeat("0", 26) + "-math.", strings.Repeat("é", 13) + "-math.", id[:24] + "é-math.", id[:25] + "\\u0000-math.", id + "-\\u0000", id + "-" + long(520),
		id + "-" + long(521), id + "-" + long(3000), long(100000), "\\\\"} {
		params := `{"taskid":"` + taskid + `"`
		for name, answer := range map[string]string{
			"result": doText(worker, "2", params+`,"result":1}`),
			"reject": reject(worker, "3", params+`}`),
			"cancel": worker.cancel("4", params+`}`),
		} {
			if !strings.HasPrefix(answer, "-32002 Invalid task") || len(answer) > 120 {
				t.Errorf("%s of %.60q: %q", name, taskid, answer)
			}
		}
	}
	b.want(before...)
	worker.got()
	pusher.got()
	b.says(doText(worker, "5", `{"taskid":"`+good+`","result":1}`), "")
	pusher.got("7 1")
}
