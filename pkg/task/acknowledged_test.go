package task_test

import "testing"

// A detached push whose caller could not be answered, converting a pull whose worker turned out to be gone: its task waits, is finished by somebody who
// knows it, and is kept until repair has told the pusher that it was stored.
func TestADetachedPushIsAnsweredThoughItsTaskIsOver(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	other := b.client("other")
	b.says(worker.pull("1", "math"), "")
	worker.Lost()
	b.PostTo(pusher.Client).Fail(attempts)
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"detach":true}`), "recorded")
	pusher.got()
	b.says(other.result("2", "A", "3"), "")
	other.got(`2 {"ok":true}`)
	b.later()
	pusher.got(`7 {"ok":true}`)
	b.settled("worker ended", "worker.i1 → A 1", "pusher.i2 → A 7") // the row marked the hand-over too; the ok was owed besides
}

// The end of a task overtakes the note that its detached push is still to be answered: it does not take the note away with the task.
func TestWhatATaskOwesSinceItsEndWasWrittenIsPaid(t *testing.T) {
	b := newBench(t)
	worker, pusher := b.pair()
	b.says(worker.pull("1", "math"), "")
	finished, pushed, over := make(chan struct{}), make(chan struct{}), make(chan struct{})
	b.updateTask().With(":done").Then(func() {
		close(finished)
		<-pushed
	})
	b.PostTo(worker.Client).Then(func() {
		go func() {
			defer close(over)
			worker.result("2", "A", "3")
		}()
		<-finished
	})
	b.PostTo(pusher.Client).Fail(attempts)
	b.says(pusher.push("7", `{"method":"math.add","params":[1],"detach":true}`), "recorded")
	close(pushed)
	<-over
	pusher.got()
	b.later()
	pusher.got(`7 {"ok":true}`)
}
