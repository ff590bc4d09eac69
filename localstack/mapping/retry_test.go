package mapping

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"nexus/localstack/lambda"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// records makes one record of each name, with the name as its sequence number.
func records(names string) []Record {
	var out []Record
	for _, name := range strings.Fields(names) {
		out = append(out, Record{JSON: []byte(`{}`), SequenceNumber: name, Created: start})
	}
	return out
}

// show writes batches as "[a b] r1 +2s !condition", without what is zero.
func show(batches []*Batch) string {
	var out []string
	for _, b := range batches {
		var names []string
		for _, r := range b.Records {
			names = append(names, r.SequenceNumber)
		}
		s := "[" + strings.Join(names, " ") + "]"
		if b.retries > 0 {
			s += fmt.Sprintf(" r%d", b.retries)
		}
		if !b.notBefore.IsZero() {
			s += fmt.Sprintf(" +%v", b.notBefore.Sub(start))
		}
		if b.discarded != "" {
			s += " !" + b.discarded
		}
		out = append(out, s)
	}
	return strings.Join(out, ", ")
}

func TestWhatFollowsADelivery(t *testing.T) {
	failed, throttled := errors.New("failed"), &lambda.Refusal{Code: lambda.CodeThrottled}
	report := func(ids ...string) string {
		var items []string
		for _, id := range ids {
			items = append(items, `{"itemIdentifier":"`+id+`"}`)
		}
		return `{"batchItemFailures":[` + strings.Join(items, ",") + `]}`
	}
	partial, bisect, both := Stream{ReportBatchItemFailures: true, MaximumRetryAttempts: 2}, Stream{BisectOnError: true, MaximumRetryAttempts: 2},
		Stream{ReportBatchItemFailures: true, BisectOnError: true, MaximumRetryAttempts: 2}
	for _, c := range []struct {
		name     string
		stream   Stream
		records  string
		retries  int
		response string
		err      error
		want     string
	}{
		{"success", Stream{}, "a b", 0, `"anything"`, nil, ""},
		{"a report that is not asked for", Stream{}, "a b", 0, report("a"), nil, ""},

		{"error, no retries", Stream{}, "a b", 0, "", failed, "[a b] !RetryAttemptsExhausted"},
		{"error, first of two retries", Stream{MaximumRetryAttempts: 2}, "a b", 0, "", failed, "[a b] r1 +1s"},
		{"error, second of two retries", Stream{MaximumRetryAttempts: 2}, "a b", 1, "", failed, "[a b] r2 +2s"},
		{"error, retries used", Stream{MaximumRetryAttempts: 2}, "a b", 2, "", failed, "[a b] r2 !RetryAttemptsExhausted"},
		{"error, infinite retries", Stream{MaximumRetryAttempts: -1}, "a b", 10_000, "", failed, "[a b] r10001 +30s"},
		{"not invoked", Stream{}, "a b", 0, "", throttled, "[a b] +1s"},
		{"not invoked, bisecting", bisect, "a b", 2, "", throttled, "[a b] r2 +1s"},

		{"bisect", bisect, "a b c d e", 2, "", failed, "[a b c], [d e]"},
		{"bisect two", bisect, "a b", 0, "", failed, "[a], [b]"},
		{"bisect one", bisect, "a", 0, "", failed, "[a] r1 +1s"},
		{"bisect one, retries used", bisect, "a", 2, "", failed, "[a] r2 !RetryAttemptsExhausted"},

		{"report nothing", partial, "a b", 0, "", nil, ""},
		{"report null", partial, "a b", 0, "null", nil, ""},
		{"report an empty object", partial, "a b", 0, "{}", nil, ""},
		{"report a null list", partial, "a b", 0, `{"batchItemFailures":null}`, nil, ""},
		{"report an empty list", partial, "a b", 0, report(), nil, ""},
		{"report the lowest of two", partial, "a b c d", 0, report("d", "c"), nil, "[c d] r1 +1s"},
		{"report the lowest of two, in their order", partial, "a b c d", 0, report("c", "d"), nil, "[c d] r1 +1s"},
		{"progress renews no quota", partial, "a b c", 2, report("b"), nil, "[b c] r2 !RetryAttemptsExhausted"},
		{"report the first", partial, "a b", 0, report("a"), nil, "[a b] r1 +1s"},
		{"report an empty identifier", partial, "a b", 0, report("b", ""), nil, "[a b] r1 +1s"},
		{"report a null identifier", partial, "a b", 0, `{"batchItemFailures":[{"itemIdentifier":null}]}`, nil, "[a b] r1 +1s"},
		{"report a bad key", partial, "a b", 0, `{"batchItemFailures":[{"id":"b"}]}`, nil, "[a b] r1 +1s"},
		{"report a stranger", partial, "a b", 0, report("b", "z"), nil, "[a b] r1 +1s"},
		{"report no JSON", partial, "a b", 0, "oops", nil, "[a b] r1 +1s"},
		{"an error beats the report", partial, "a b", 0, report("b"), failed, "[a b] r1 +1s"},

		{"report and bisect: cut there", both, "a b c d", 2, report("c"), nil, "[c d]"},
		{"report the first and bisect: halves", both, "a b c d", 2, report("a"), nil, "[a b], [c d]"},
		{"report and bisect one", both, "a", 2, report("a"), nil, "[a] r2 !RetryAttemptsExhausted"},
	} {
		b := &Batch{Records: records(c.records), retries: c.retries}
		if got := show(c.stream.after(b, Result{[]byte(c.response), c.err}, start)); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestBackoffOfRefusalsDoubles(t *testing.T) {
	s, b := Stream{}, &Batch{Records: records("a")}
	for _, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second, 30 * time.Second} {
		b = s.after(b, Result{Err: &lambda.Refusal{}}, start)[0]
		if got := b.notBefore.Sub(start); got != want {
			t.Errorf("waits %v, want %v", got, want)
		}
	}
	if b.invokes != 0 || b.retries != 0 {
		t.Errorf("refusals count as %d invocations, %d retries", b.invokes, b.retries)
	}
}

func TestRecordsGrowTooOld(t *testing.T) {
	for _, c := range []struct {
		name  string
		age   time.Duration
		after time.Duration
		want  string
	}{
		{"young", time.Minute, 59 * time.Second, "[a b c] r1"},
		{"the first", time.Minute, 60 * time.Second, "[a] !MaximumRecordAgeExceeded, [b c] r1"},
		{"all", time.Minute, 62 * time.Second, "[a b c] !MaximumRecordAgeExceeded"},
		{"no limit but the stream's", 0, 24*time.Hour - 1, "[a b c] r1"},
		{"the stream's", 0, 24 * time.Hour, "[a] !MaximumRecordAgeExceeded, [b c] r1"},
		{"a limit past the stream's", 48 * time.Hour, 24 * time.Hour, "[a] !MaximumRecordAgeExceeded, [b c] r1"},
	} {
		b := &Batch{Records: records("a b c"), retries: 1}
		for i := range b.Records {
			b.Records[i].Created = start.Add(time.Duration(i) * time.Second)
		}
		s := Stream{MaximumRecordAge: c.age}
		if got := show(s.expire(b, start.Add(c.after))); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestALanesBatchesClose(t *testing.T) {
	at := func(s float64) time.Time { return start.Add(time.Duration(s * float64(time.Second))) }
	all := func(l *lane, size int, window time.Duration, now time.Time) string {
		var got []*Batch
		for b, _ := l.next(size, window, false, now); b != nil; b, _ = l.next(size, window, false, now) {
			got = append(got, b)
			l.replace()
		}
		return show(got)
	}
	var l lane
	for _, r := range records("a b c d e") {
		l.add(r, at(0))
	}
	if got := all(&l, 2, 10*time.Second, at(1)); got != "[a b], [c d]" {
		t.Errorf("full ones: %s", got)
	}
	if _, again := l.next(2, 10*time.Second, false, at(2)); !again.Equal(at(11)) {
		t.Errorf("what stayed closes at %v", again)
	}
	if got := all(&l, 2, 10*time.Second, at(11)); got != "[e]" {
		t.Errorf("when the window ends: %s", got)
	}
	l.add(records("f")[0], at(12))
	l.add(records("g")[0], at(20))
	if _, again := l.next(9, 10*time.Second, false, at(20)); !again.Equal(at(22)) {
		t.Errorf("a window begins with its first record, closes at %v", again)
	}
	if b, _ := l.next(9, 10*time.Second, true, at(20)); show([]*Batch{b}) != "[f g]" {
		t.Error("the end of a shard closes a batch")
	}
	l = lane{}
	for _, r := range records("h i j") {
		r.JSON = make([]byte, 2<<20)
		l.add(r, at(30))
	}
	if got := all(&l, 9, time.Minute, at(30)); got != "[h i]" {
		t.Errorf("6 MB: %s", got)
	}
}

func TestMistakesInConfig(t *testing.T) {
	_, err := New(Config{
		Mappings: []Stream{{Table: "t", Function: "f", BatchSize: 10_001, Window: 301 * time.Second, ParallelizationFactor: 11, MaximumRetryAttempts: -2,
			MaximumRecordAge: 59 * time.Second, StartingPosition: "AT_TIMESTAMP", OnFailure: "q", Filters: make([]Filter, 11)}},
		Queues:    []Queue{{QueueURL: "q", Function: "f", BatchSize: 11, MaximumConcurrency: 1}},
		Schedules: []Schedule{{Function: "f", Every: time.Second}},
	})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, says := range []string{"Invoke is missing", "need the clients DynamoDB", "queues need", "BatchSize 10001", "Window 5m1s", "ParallelizationFactor 11",
		"MaximumRetryAttempts -2", "MaximumRecordAge 59s", "AT_TIMESTAMP", "OnFailure needs", "11 filters", "BatchSize 11 needs a Window",
		"MaximumConcurrency 1", "Every is 1s"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%v\nlacks %q", err, says)
		}
	}
}
