package sim

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/pkg/session"
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
		if !bytes.Contains(o.Body, []byte(wake)) {
			return
		}
		switch o.Op {
		case "SendMessage":
			o.Answer = []byte(`{"MessageId":"lost"}`)
		case "SendMessageBatch":
			left := 0
			o.Body = edited(o.Body, func(in map[string]any) {
				in["Entries"] = slices.DeleteFunc(in["Entries"].([]any), func(e any) bool {
					return strings.Contains(e.(map[string]any)["MessageBody"].(string), wake)
				})
				left = len(in["Entries"].([]any))
			})
			if left == 0 {
				o.Answer = []byte(`{"Successful":[],"Failed":[]}`)
			}
		}
	}
}

// withoutRows loses the rows that mark what was posted.
func withoutRows(o *Outgoing) {
	if o.Op == "PutItem" && o.Table == "calls" {
		o.Answer = []byte(`{}`)
	}
}

// withoutRange has a claim of messages say that it hands some over, but not which.
func withoutRange(o *Outgoing) {
	if o.Op != "UpdateItem" || o.Table != "pipes" || !bytes.Contains(o.Body, []byte("#head = :to")) || !bytes.Contains(o.Body, []byte(":what")) {
		return
	}
	o.Body = edited(o.Body, func(in map[string]any) {
		what := in["ExpressionAttributeValues"].(map[string]any)[":what"].(map[string]any)["M"].(map[string]any)
		for _, name := range []string{"k", "f", "t"} {
			delete(what, name)
		}
	})
}

// withoutTheGrantThatWasRead lets a lock be taken over from whoever holds it, once somebody was found to be gone.
func withoutTheGrantThatWasRead(o *Outgoing) {
	condition := []byte(`#owner = :gone AND #fence = :fence`)
	o.Body = bytes.ReplaceAll(o.Body, condition, append([]byte(`attribute_exists(#owner) OR `), condition...))
}

// withoutSeen has the fan-out find each pipe as if it had not yet had any publication.
func withoutSeen(o *Outgoing) {
	if o.Function != "stream" || o.Table != "pipes" {
		return
	}
	condition := []byte(`(attribute_not_exists(#sn.#r) OR `)
	o.Body = bytes.ReplaceAll(o.Body, condition, append([]byte(`(attribute_exists(#tail) OR `), condition[1:]...))
	if o.Op == "GetItem" {
		o.Edit = func(answer []byte) []byte {
			return edited(answer, func(out map[string]any) {
				item, _ := out["Item"].(map[string]any)
				for _, name := range []string{"sn", "sk"} {
					if item[name] != nil {
						item[name] = map[string]any{"M": map[string]any{}}
					}
				}
			})
		}
	}
}

// byWhoIsSubscribedNow has the fan-out take whoever is subscribed when it looks, and nobody else.
func byWhoIsSubscribedNow(o *Outgoing) {
	if o.Function != "stream" || o.Table != "topics" || o.Op != "Query" {
		return
	}
	o.Edit = func(answer []byte) []byte {
		return edited(answer, func(out map[string]any) {
			items, _ := out["Items"].([]any)
			items = slices.DeleteFunc(items, func(i any) bool { return i.(map[string]any)["until"] != nil })
			for _, i := range items {
				delete(i.(map[string]any), "from")
			}
			out["Items"] = items
		})
	}
}

// withoutClosing leaves open the connections of which API Gateway said 410 although they were there.
func withoutClosing(o *Outgoing) {
	if o.Op == "DELETE" && o.Wronged {
		o.Answer = []byte(`{}`)
	}
}

// withoutUntil hides until when calls are carried out that a session sent which has ended.
func withoutUntil(o *Outgoing) {
	if o.Op != "GetItem" || o.Table != "sessions" {
		return
	}
	o.Edit = func(answer []byte) []byte {
		return edited(answer, func(out map[string]any) {
			if item, ok := out["Item"].(map[string]any); ok {
				delete(item, "until")
			}
		})
	}
}

// withoutTheWorker lets anybody end a login method's task who knows it.
func withoutTheWorker(o *Outgoing) {
	condition := []byte(`(attribute_not_exists(#then) OR `)
	o.Body = bytes.ReplaceAll(o.Body, condition, append([]byte(`(attribute_exists(#kind) OR `), condition[1:]...))
}

// eventually has the looks for tasks and pulls be eventual.
func eventually(o *Outgoing) {
	if o.Op == "Query" && o.Table == "tasks" {
		o.Body = bytes.ReplaceAll(o.Body, []byte(`"ConsistentRead":true`), []byte(`"ConsistentRead":false`))
	}
}

// TestMutations proves that the simulation misses what is taken out: of the first seeds some fails, and none does without the mutation.
func TestMutations(t *testing.T) {
	const most = 300
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
		{"without what a pipe has seen of a topic", Options{Rewrite: withoutSeen, Mix: []family{topics}}},
		{"by who is subscribed when a publication is handed out", Options{Rewrite: byWhoIsSubscribedNow, Mix: []family{topics}}},
		{"without the range that a claim names", Options{Rewrite: withoutRange, Mix: []family{pipes}}},
		{"without the end of who reads nothing", Options{Rewrite: without(session.WakeSlow)}},
		{"without closing at a 410", Options{Rewrite: withoutClosing}},
		{"without what was taken before a session's end", Options{Rewrite: withoutUntil}},
		{"without why a connection ended, so that tasks of a 1009 are handed on", Options{Silent: true, Mix: []family{tasks}}},
		{"without the worker's alone on a login's task", Options{Rewrite: withoutTheWorker, Mix: []family{logins}}},
		{"with eventual reads where both sides look", Options{Rewrite: eventually, Lags: true, Mix: []family{tasks}}},
		{"without the condition of a lock's take-over", Options{Rewrite: withoutTheGrantThatWasRead, Mix: []family{locks}}},
	} {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			for seed := uint64(1); seed <= most; seed++ {
				r := run(t, seed, m.options)
				if len(r.Failures) == 0 {
					continue
				}
				t.Logf("seed %d: %s", seed, r.Failures[0])
				if whole := run(t, seed, Options{Mix: m.options.Mix, Lags: m.options.Lags}); len(whole.Failures) > 0 {
					t.Errorf("seed %d fails without the mutation too: %s", seed, whole.Failures[0])
				}
				return
			}
			t.Errorf("none of %d seeds noticed", most)
		})
	}
}
