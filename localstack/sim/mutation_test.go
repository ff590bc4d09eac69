package sim

import (
	"bytes"
	"testing"
	"time"

	"nexus/pkg/task"
)

// Each of these takes out one thing that the design rests on. It does so in the harness: the code under test is the one that is deployed.

// withoutCondition lets each claim of a task and each conversion of a pull succeed on an item that exists, whatever its state.
func withoutCondition(o *Outgoing) {
	for _, kind := range []string{":task", ":pull"} {
		for _, greater := range []string{`>`, `\u003e`} { // as the SDK may write it
			condition := `#kind = ` + kind + ` AND #state = :waiting AND #dl ` + greater + ` :now`
			o.Body = bytes.ReplaceAll(o.Body, []byte(condition), []byte(`attribute_exists(#kind) OR `+condition))
		}
	}
}

// withoutSecondLook shows a handler that has stored its task or pull an empty queue.
func withoutSecondLook(o *Outgoing) {
	if o.Op == "Query" && o.Table == "tasks" && o.Stored && bytes.Contains(o.Body, []byte(`"IndexName":"queue"`)) {
		o.Answer = []byte(`{"Count":0,"Items":[],"ScannedCount":0}`)
	}
}

// withoutLookingForTasks hides from a push the tasks that wait before it.
func withoutLookingForTasks(o *Outgoing) {
	if o.Op == "Query" && o.Table == "tasks" && !o.Stored && bytes.Contains(o.Body, []byte(`{"S":"t#"}`)) {
		o.Answer = []byte(`{"Count":0,"Items":[],"ScannedCount":0}`)
	}
}

// without loses the messages of a kind.
func without(wake string) func(*Outgoing) {
	return func(o *Outgoing) {
		if o.Op == "SendMessage" && bytes.Contains(o.Body, []byte(wake)) {
			o.Answer = []byte(`{"MessageId":"lost"}`)
		}
	}
}

// withoutRows loses the rows that mark what was posted.
func withoutRows(o *Outgoing) {
	if o.Op == "PutItem" && o.Table == "calls" {
		o.Answer = []byte(`{}`)
	}
}

// TestMutations proves that the simulation misses what is taken out: of the first seeds some fails, and none does without the mutation.
func TestMutations(t *testing.T) {
	const most = 100
	for _, m := range []struct {
		name    string
		options Options
	}{
		{"without the claim's condition on state", Options{Rewrite: withoutCondition}},
		{"without the second look", Options{Rewrite: withoutSecondLook}},
		{"without the age of repair", Options{RepairAge: time.Nanosecond}},
		{"without a push's look for tasks", Options{Rewrite: withoutLookingForTasks}},
		{"without deadlines' timers", Options{Rewrite: without(task.WakeDeadline)}},
		{"without inspections", Options{Rewrite: without(task.WakeInspect)}},
		{"without rows", Options{Rewrite: withoutRows}},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= most; seed++ {
				r := run(t, seed, m.options)
				if len(r.Failures) == 0 {
					continue
				}
				t.Logf("seed %d: %s", seed, r.Failures[0])
				if whole := run(t, seed, Options{}); len(whole.Failures) > 0 {
					t.Errorf("seed %d fails without the mutation too: %s", seed, whole.Failures[0])
				}
				return
			}
			t.Errorf("none of %d seeds noticed", most)
		})
	}
}
