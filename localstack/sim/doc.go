// Package sim is the deterministic simulation of the bus: seeded clients on the real handlers, the real SDK clients and the local stack's engines, with
// everything in between in the hands of one seed. What it holds a run to is in the invariants_*.go files, an invariant a function.
//
// # How a seed becomes a run
//
// Run starts a stack in a testing/synctest bubble. Time is the bubble's and stands still while anything can run; ids, chance and waits are injected;
// whatever waits for a time waits in the agenda. Each request that a handler sends parks in the wire. Between two steps everything stands still
// (synctest.Wait), so that one thread of one handler moves at a time, and the scheduler takes the next step by the seed:
//
//   - what is due in the agenda: a client acts, a post arrives, a message of the queue comes, the stream is read;
//   - or a parked request is given to its service, fails before its effect, or loses its response after it, is told of a conflict or of a client
//     that does not read, or its handler dies before or after it;
//   - or time passes: an attempt ends after 1 s and a handler after 10 s, as they would on AWS.
//
// Parked requests are in an order that is given by what they are, not by which goroutine came first. What goes wrong, and how often, is the run's
// weather (weather.go): calm in three of ten, where answers must be prompt; else one death, lost responses, or a storm of everything. In all of
// them posts overtake one another, streams and queues are read late and twice, and connections end in every way.
//
// The clients (role.go) push, pull, finish in all manners, cancel, list, leave and come. When they have sent what they were to send, the weather
// settles (live.go): nothing goes wrong any more, and after settling nothing may be stuck. Then all connections end, and two minutes later the
// tables must be empty but for detached tasks.
//
// # What is recorded
//
// The history: each request of a client, each post that API Gateway took, each frame a client got; and the trace: each state of each item, read from
// the engine after the write that made it. The invariants look at both.
//
// # A failing seed
//
//	make sim SEEDS=1000 FIRST=1
//
// prints for each failing seed what did not hold and the hash of its log. `make sim SEEDS=1 FIRST=<seed> LOG=1` runs it again, identically, and
// prints the log: time since the run's begin in seconds, then what happened. `#12` is the twelfth invocation of a function; `do #12 PutItem tasks: 200` a
// request of it that was carried out; `item …` an item after a write; `client3 <-- …` a frame; `kill`, `fail`, `lose` a fault. Begin with the line
// `FAILED`, take the id in it, and read its `item` lines; then the lines of the invocations that wrote them.
//
// # What it does not cover
//
// Logins (sessions get their tags by a write of the harness), pipes, topics and locks. Requests whose client gave up arrive up to 5 s late, but not the
// puts of new items (fault.go says why). Messages of the queue are never lost and no function is invoked more often than AWS would.
package sim
