package task_test

import (
	"strings"
	"testing"
	"time"
)

// TestShards spreads a path over three partitions. Looks go over all of them, and the order is that of one queue.
func TestShards(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	home := 0
	b.tasks.Shards = func(path string) int {
		if path == "math." {
			return 3
		}
		return 1
	}
	b.tasks.Pick = func(n int) int {
		if n == 3 {
			return home
		}
		return 0
	}
	// Tasks in all partitions, the first in the last one.
	for n, method := range []string{"first", "second", "third", "urgent"} {
		home = []int{2, 0, 1, 1}[n]
		b.says(pusher.push(method, `{"method":"math.`+method+`","params":[],"prio":`+string("0001"[n])+`}`), "")
		b.Advance(time.Millisecond)
	}
	b.want(
		"A math. 2 task waiting queued dl=240h0m0s pusher=pusher/first maker=pusher.i1 row=i1 math.first [] att=0 ttl=5 push=pusher/first",
		"B math. task waiting queued at=1ms created=1ms dl=240h0m0.001s pusher=pusher/second maker=pusher.i2 row=i2 math.second [] att=0 ttl=5 push=pusher/second",
		"C math. 1 task waiting queued at=2ms created=2ms dl=240h0m0.002s pusher=pusher/third maker=pusher.i3 row=i3 math.third [] att=0 ttl=5 push=pusher/third",
		"D math. 1 task waiting queued at=3ms created=3ms dl=240h0m0.003s pusher=pusher/urgent maker=pusher.i4 row=i4 math.urgent [] prio=1 att=0 ttl=5 push=pusher/urgent",
		"pusher.i1 → A first",
		"pusher.i2 → B second",
		"pusher.i3 → C third",
		"pusher.i4 → D urgent")
	b.paths("math. until 241h0m0s")
	list := b.listed(`{"prefix":"math"}`)
	if len(list) != 4 || strings.Join(list, " ") != "math.second math.third math.urgent math.first" {
		t.Errorf("listed %q", list)
	}
	for _, want := range []string{"D-math. 1 math.urgent", "A-math. 2 math.first", "B-math. math.second", "C-math. 1 math.third"} {
		b.says(worker.pull("1", "math"), "")
		worker.got("1 " + want + " [] ttl=5")
		b.says(worker.result("2", want[:1], "1"), "")
		worker.got(`2 {"ok":true}`)
	}
	pusher.got(
		"first 1",
		"second 1",
		"third 1",
		"urgent 1")
	b.items()

	// A pull in one partition meets a push that would be in another.
	home = 1
	b.says(worker.pull("3", "math"), "")
	b.items("E math. 1 pull waiting queued at=4ms created=4ms dl=3h0m0.004s worker=worker/3 maker=worker.i9 pull=worker/3")
	home = 2
	b.says(pusher.push("9", "math.add"), "")
	b.items(
		"E math. 1 task working at=4ms created=4ms dl=240h0m0.004s worker=worker/3 pusher=pusher/9 maker=worker.i9 mark=pusher.i10 row=i10 math.add [1] att=1 ttl=5 pull=worker/3 push=pusher/9")
	worker.got("3 E-math. 1 math.add [1] ttl=5")

	// They were stored at once, in two partitions: the one that looks again finds the other.
	home = 0
	b.putTask().With("worker/4").Run(func() {
		home = 1
		b.says(pusher.push("10", "math.mul"), "")
	})
	b.says(worker.pull("4", "math"), "")
	b.items(
		"E math. 1 task working at=4ms created=4ms dl=240h0m0.004s worker=worker/3 pusher=pusher/9 maker=worker.i9 mark=pusher.i10 row=i10 math.add [1] att=1 ttl=5 pull=worker/3 push=pusher/9",
		"F math. pull done at=4ms created=4ms dl=3h0m0.004s worker=worker/4 maker=worker.i11 posted pull=worker/4",
		"G math. 1 task working at=4ms created=4ms dl=240h0m0.004s worker=worker/4 pusher=pusher/10 maker=pusher.i12 mark=worker.i13 row=i12 math.mul [1] att=1 ttl=5 push=pusher/10 claim=i14")
	worker.got("4 G-math. 1 math.mul [1] ttl=5")

	// And who comes back goes where it was.
	b.says(worker.reject("5", "G"), "")
	b.items(
		"E math. 1 task working at=4ms created=4ms dl=240h0m0.004s worker=worker/3 pusher=pusher/9 maker=worker.i9 mark=pusher.i10 row=i10 math.add [1] att=1 ttl=5 pull=worker/3 push=pusher/9",
		"F math. pull done at=4ms created=4ms dl=3h0m0.004s worker=worker/4 maker=worker.i11 posted pull=worker/4",
		"G math. 1 task waiting queued at=4ms created=4ms dl=240h0m0.004s pusher=pusher/10 maker=pusher.i12 row=i12 math.mul [1] att=1 ttl=4 push=pusher/10 claim=i14 ret=worker/5")
	b.says(worker.result("6", "G", "1"), "")
	pusher.got("10 1")
}
