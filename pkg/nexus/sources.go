package nexus

import (
	"time"

	"nexus/pkg/session"
	"nexus/pkg/store"
)

// The functions that serve no route.
const (
	FunctionStream = "stream"
	FunctionTimer  = "timer"
)

// Functions returns the names of all functions, which are the folders of functions/.
func Functions() []string {
	return []string{FunctionConnection, FunctionPipe, FunctionStream, FunctionSync, FunctionSys, FunctionTask, FunctionTimer, FunctionUser}
}

// FunctionTimeout is every function's. Repair's age and the visibility of messages go by it.
const FunctionTimeout = 10 * time.Second

// StreamSource is a table whose stream a function reads: the local stack and the deployment make their event source mappings from it.
type StreamSource struct {
	Table     string
	Function  string
	BatchSize int
	Window    time.Duration
	Retries   int
	MaxAge    time.Duration // of a record; beyond it, it goes to the dead-letter queue
}

// Streams returns the stream sources. Those of tasks and pipes serve repair, which has nothing to do in an item's first 30 s: a window that long
// makes one read of many changes of an item.
func Streams() []StreamSource {
	var repaired []StreamSource
	for _, table := range []string{store.Tasks, store.Pipes} {
		repaired = append(repaired, StreamSource{Table: table, Function: FunctionStream, BatchSize: 1000, Window: 30 * time.Second, Retries: 10,
			MaxAge: 6 * time.Hour})
	}
	return repaired
}

// The delay queue: FunctionTimer reads it, in batches of up to TimerBatch messages. A message that failed comes again after TimerVisibility and,
// when it did TimerReceives times, goes to the dead-letter queue.
const (
	TimerBatch      = 10
	TimerVisibility = 6 * FunctionTimeout
	TimerReceives   = 5
)

// SweepEvery is how often the schedule calls FunctionTimer.
const SweepEvery = session.SweepEvery
