package timer_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/timer"
)

// No timer comes early, and none later than a second after its time, up to what one message can wait.
func TestDelaysAreWholeSecondsRoundedUp(t *testing.T) {
	h := harness.New(t)
	for after, want := range map[time.Duration]time.Duration{
		-time.Hour: 0, 0: 0, 1: time.Second, time.Second: time.Second, 1001 * time.Millisecond: 2 * time.Second,
		timer.MaxDelay: timer.MaxDelay, timer.MaxDelay + 1: timer.MaxDelay, 240 * time.Hour: timer.MaxDelay,
	} {
		if err := h.Bus.Sessions.Timer.After(t.Context(), after, timer.Wake{Kind: "k"}); err != nil {
			t.Fatal(err)
		}
		h.Advance(want - 1)
		if due := h.Due(); want > 0 && len(due) > 0 {
			t.Errorf("after %v: %v came early", after, due)
		}
		h.Advance(1)
		if due := h.Due(); len(due) != 1 || due[0].Body != `{"kind":"k"}` {
			t.Errorf("after %v: %v", after, due)
		}
	}
}

func TestAMessageIsReadAsItWasSent(t *testing.T) {
	h := harness.New(t)
	// U+FFFE and U+FFFF are what SQS does not take.
	sent := timer.Wake{Kind: "task.deadline", Key: []string{"a.<b>.", "é\"", "\x00\uFFFE\\uffff\uFFFF😀"}, Cursor: map[string]string{"row": "y#1", "fresh": "true"}}
	q := h.Bus.Sessions.Timer
	if err := errors.Join(q.After(t.Context(), 0, sent), q.All(t.Context(), timer.Later{Wake: sent})); err != nil {
		t.Fatal(err)
	}
	due := h.Due()
	if len(due) != 2 {
		t.Fatalf("%d messages", len(due))
	}
	for _, m := range due {
		if got, err := timer.Parse(m.Body); err != nil || !reflect.DeepEqual(got, sent) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	for _, body := range []string{"", "no JSON", `[]`, `{"kind":5}`, `{"kind":"k","key":"k"}`} {
		if w, err := timer.Parse(body); err == nil || !strings.Contains(err.Error(), "timer message") {
			t.Errorf("%q: %+v, %v", body, w, err)
		}
	}
}

func TestMessagesAreSentTenARequest(t *testing.T) {
	h := harness.New(t)
	var list []timer.Later
	for n := range 23 {
		list = append(list, timer.Later{After: time.Duration(n) * time.Second, Wake: timer.Wake{Kind: fmt.Sprint(n)}})
	}
	if err := h.Bus.Sessions.Timer.All(t.Context(), list...); err != nil {
		t.Fatal(err)
	}
	if n := h.On("SendMessageBatch").Count(); n != 3 {
		t.Errorf("%d requests", n)
	}
	for n, m := range h.Messages() {
		if want := harness.Start().Add(time.Duration(n) * time.Second); !m.Due.Equal(want) || m.Body != fmt.Sprintf(`{"kind":"%d"}`, n) {
			t.Errorf("message %d: %s at %v", n, m.Body, m.Due)
		}
	}
	if len(h.Messages()) != 23 {
		t.Errorf("%d messages", len(h.Messages()))
	}
	if err := h.Bus.Sessions.Timer.All(t.Context()); err != nil || h.On("SendMessageBatch").Count() != 3 {
		t.Errorf("nothing to send: %v", err)
	}
}

// A message that could not be sent is an error: a caller counts on it. Of several, none is passed over.
func TestWhatIsNotSentIsAnError(t *testing.T) {
	h := harness.New(t)
	h.On("SendMessage").Fail(3)
	if err := h.Bus.Sessions.Timer.After(t.Context(), 0, timer.Wake{Kind: "k"}); err == nil {
		t.Error("After: no error")
	}
	h.On("SendMessageBatch").Fail(3)
	if err := h.Bus.Sessions.Timer.All(t.Context(), timer.Later{Wake: timer.Wake{Kind: "k"}}); err == nil {
		t.Error("All: no error")
	}
	long := timer.Later{Wake: timer.Wake{Kind: strings.Repeat("x", 2<<20)}}
	if err := h.Bus.Sessions.Timer.All(t.Context(), timer.Later{Wake: timer.Wake{Kind: "k"}}, long); err == nil {
		t.Error("too long a message: no error")
	}
}
