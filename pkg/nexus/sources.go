package nexus

import (
	"time"

	"nexus/pkg/session"
	"nexus/pkg/store"
	"nexus/pkg/topic"
)

// The functions that serve no route.
const (
	FunctionStream = "stream"
	FunctionTimer  = "timer"
)

// FunctionSetup is no function of the bus: a deployment calls it when it is made, and it creates the user root.
const FunctionSetup = "setup"

// Functions returns the names of the bus' functions, which are the folders of functions/ but for FunctionSetup's.
func Functions() []string {
	return []string{FunctionConnection, FunctionPipe, FunctionStream, FunctionSync, FunctionSys, FunctionTask, FunctionTimer, FunctionTopic, FunctionUser}
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
	Parallel  int           // batches of a shard that are with the function at the same time, each item's records in one (ParallelizationFactor)
	Filters   []string      // event filter patterns; a record that matches none is not given to the function. All are where there is none
}

// lanes is how many batches of a shard's publications are handed out at the same time, each at the rate of a fan-out. With the four shards that a new table
// has, and topic.DefaultRate, they leave something of the 10,000 requests a second that API Gateway takes from an account.
const lanes = 4

// Streams returns the stream sources. Those of tasks and pipes serve repair, which has nothing to do in an item's first 30 s: a window that long
// makes one read of many changes of an item.
//
// That of topics is the fan-out of publications, at once. A fan-out that needs more than one invocation fails its record, which comes again, so that the
// row's later records wait: the number of retries is the most that Lambda has, and age alone ends them. Meanwhile one lane of four of its shard
// waits with it. A record that cannot be handed out does not need the retries' end: the function itself sends it to the dead-letter queue.
func Streams() []StreamSource {
	var repaired []StreamSource
	for _, table := range []string{store.Tasks, store.Pipes} {
		repaired = append(repaired, StreamSource{Table: table, Function: FunctionStream, BatchSize: 1000, Window: 30 * time.Second, Retries: 10,
			MaxAge: 6 * time.Hour, Parallel: 1})
	}
	return append(repaired, StreamSource{Table: store.Topics, Function: FunctionStream, BatchSize: 100, Retries: 10_000, MaxAge: topic.MaxAge, Parallel: lanes,
		Filters: []string{topic.Filter}})
}

// The delay queue: FunctionTimer reads it, in batches of up to TimerBatch messages, at most TimerParallel batches at a time. A message that failed
// comes again after TimerVisibility and, when it did TimerReceives times, goes to the dead-letter queue.
//
// An invocation that Lambda throttles counts as a receipt too. So there are more of them than an outage of ten minutes brings, and no more batches at a
// time than leave something of the ten executions that a new account may have.
const (
	TimerBatch      = 10
	TimerVisibility = 6 * FunctionTimeout
	TimerReceives   = 20
	TimerParallel   = 5
)

// SweepEvery is how often the schedule calls FunctionTimer.
const SweepEvery = session.SweepEvery
