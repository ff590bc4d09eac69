package harness_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"nexus/localstack/harness"
	"nexus/pkg/handler"
	"nexus/pkg/timer"
)

// TestFaults: what becomes of a request, and of its repetitions.
func TestFaults(t *testing.T) {
	h := harness.New(t)
	c := h.Connect()
	post := h.On("PostToConnection", c.Connid[8:])
	send := func(text string) error { return h.Bus.Tasks.Post.Post(t.Context(), c.Connid, []byte(text)) }
	expect := func(err error, requests int, messages ...string) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
		if got := c.Got(); !slices.Equal(got, messages) || post.Count() != requests {
			t.Errorf("%d requests, got %q; want %d and %q", post.Count(), got, requests, messages)
		}
	}
	expect(send("one"), 1, "one")
	post.Lose(1)
	expect(send("two"), 3, "two", "two")
	post.With("three").Fail(1)
	expect(send("other"), 4, "other")
	expect(send("three"), 6, "three")
	post.Fail(handler.Attempts)
	if send("lost") == nil {
		t.Error("the post is said to have worked")
	}
	expect(nil, 6+handler.Attempts)

	var order []string
	post.Run(func() { order = append(order, "ahead "+strings.Join(c.Got(), "")) })
	post.Then(func() { order = append(order, "after "+strings.Join(c.Got(), "")) })
	expect(send("four"), 7+handler.Attempts)
	if !slices.Equal(order, []string{"ahead ", "after four"}) {
		t.Errorf("%q", order)
	}

	ctx, cancel := context.WithCancel(t.Context())
	post.Run(cancel)
	if err := h.Bus.Tasks.Post.Post(ctx, c.Connid, []byte("five")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	expect(nil, 8+handler.Attempts)
	ctx, cancel = context.WithCancel(t.Context())
	post.Then(cancel)
	if err := h.Bus.Tasks.Post.Post(ctx, c.Connid, []byte("six")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	expect(nil, 9+handler.Attempts, "six")

	arrive := post.Stray(1)
	expect(send("seven"), 11+handler.Attempts, "seven")
	for _, late := range [][]string{{"seven"}, nil} {
		arrive()
		expect(nil, 11+handler.Attempts, late...)
	}
}

// TestMessages: the delay queue gives up what is due, and time moves nothing else.
func TestMessages(t *testing.T) {
	h := harness.New(t)
	c := h.Connect()
	for n, after := range []time.Duration{20 * time.Second, 0, 1500 * time.Millisecond, time.Hour} {
		if err := h.Bus.Tasks.Timer.After(t.Context(), after, timer.Wake{Kind: string(rune('a' + n))}); err != nil {
			t.Fatal(err)
		}
	}
	due := func() (kinds string) {
		for _, m := range h.Due() {
			w, err := timer.Parse(m.Body)
			if err != nil || m.Due.After(h.Now()) {
				t.Error(m, err)
			}
			kinds += w.Kind
		}
		return kinds
	}
	for _, step := range []struct {
		after time.Duration
		want  string
	}{{0, "b"}, {0, ""}, {time.Second, ""}, {time.Second, "c"}, {17 * time.Second, ""}, {time.Second, "a"}, {879 * time.Second, ""}, {time.Second, "d"}} {
		h.Advance(step.after)
		if got := due(); got != step.want {
			t.Errorf("due after %v: %q, want %q", h.Now().Sub(harness.Start()), got, step.want)
		}
	}
	h.Advance(100 * 24 * time.Hour)
	if c.Closed() {
		t.Error("time closed a connection")
	}
	if len(h.Table("sessions")) != 1 || len(h.Table("users")) != 0 {
		t.Error("there is not what one connection makes")
	}
}
