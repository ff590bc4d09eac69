package clock_test

import (
	"testing"
	"time"

	"nexus/localstack/clock"
)

func TestManualFiresWhatFallsDue(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	m := clock.NewManual(start)
	fired := make(chan string)
	m.AfterFunc(2*time.Second, func() { fired <- "two" })
	stop := m.AfterFunc(time.Second, func() { fired <- "one" })
	m.AfterFunc(3*time.Second, func() { fired <- "three" })
	if !stop() || stop() {
		t.Fatal("a timer is stopped once")
	}
	m.Advance(2 * time.Second)
	if got := <-fired; got != "two" {
		t.Fatalf("fired %q", got)
	}
	if got := m.Now(); !got.Equal(start.Add(2 * time.Second)) {
		t.Fatalf("the clock stands at %v", got)
	}
	select {
	case got := <-fired:
		t.Fatalf("%q fired early", got)
	default:
	}
	m.Advance(time.Hour)
	if got := <-fired; got != "three" {
		t.Fatalf("fired %q", got)
	}
	late := m.AfterFunc(0, func() { fired <- "now" })
	if got := <-fired; got != "now" || late() {
		t.Fatalf("a timer that is due runs at once, got %q", got)
	}
}
