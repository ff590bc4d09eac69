package task_test

import "testing"

// TestLateClaim: a claim that was given up comes when the task waits again, and the pull has another.
func TestLateClaim(t *testing.T) {
	for _, settled := range []bool{true, false} {
		b := newBench(t)
		worker, pusher := b.pair()
		first := b.client("first")
		b.says(pusher.push("7", "math.add"), "")
		b.says(pusher.push("8", "math.mul"), "")
		claiming := b.updateTask().With("worker/1", ":mc")
		arrive := claiming.Stray(1)
		claiming.Run(func() {
			claiming.Run(func() { b.says(first.pull("2", "math"), "") }) // before it is repeated
		})
		if !settled { // the pull goes on all the same
			b.updateTask().With(":refused").Fail(attempts)
		}
		b.says(worker.pull("1", "math"), "")
		first.got("2 A-math. math.add [1] ttl=5")
		worker.got("1 B-math. math.mul [1] ttl=5")
		if !settled {
			continue
		}
		b.says(first.reject("3", "A"), "")
		before := b.state()
		arrive()
		b.InOrder("what came late made it", b.state(), before)
	}
}

// TestUnmadeUnheard: the write that takes the place of an item which was not made loses its response. Its repetition finds it, not the item: the call
// is told that it failed.
func TestUnmadeUnheard(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	unmaking := b.On("PutItem", `"nexus-tasks"`, `"none"`)
	b.putTask().Fail(attempts)
	unmaking.Lose(1)
	b.says(worker.pull("1", "math"), "unknown")
	b.putTask().Fail(attempts)
	unmaking.Lose(1)
	b.says(pusher.push("7", "math.add"), "unknown")
}
