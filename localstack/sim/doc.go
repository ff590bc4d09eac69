// Package sim is the deterministic simulation of the bus: seeded clients on the real handlers, the real SDK clients and the local stack's engines,
// with everything in between in the hands of one seed. What it holds a run to is in the invariants_*.go files, an invariant a function.
//
// # How a seed becomes a run
//
// Run starts a stack in a testing/synctest bubble. Time is the bubble's and stands still while anything can run; ids, chance and waits are injected;
// whatever waits for a time waits in the agenda. Each request that a handler sends parks in the wire. Between two steps everything stands still
// (synctest.Wait), so that one thread of one handler moves at a time, and the scheduler takes the next step by the seed:
//
//   - what is due in the agenda: a client acts, a post arrives, a message of the queue comes, the stream is read;
//   - or a parked request is given to its service, fails before its effect, or loses its response after it, is told of a conflict or of a client
//     that does not read, or its handler dies before or after it. What services say then is in refusal.go: each way in which DynamoDB throttles and
//     cancels a transaction, batches that are carried out in part, @connections' 403, 413 and what a proxy before it says;
//   - or time passes: an attempt ends after 1 s and a handler after 10 s, as they would on AWS.
//
// Parked requests are in an order that is given by what they are, not by which goroutine came first. (So one handler must not send two that are alike
// at a time: here a fan-out goes through its rows one after another.) What goes wrong, and how often, is the run's weather (weather.go): calm in
// three of ten, where answers must be prompt; else one death, lost responses, services that throttle and functions without room, a function that fails until
// its retries run out and dead letters are redriven (outage.go), or a storm of everything. In all of them posts overtake one another,
// streams and queues are read late and twice, and connections end in every way.
//
// In all weather, in some runs:
//
//   - clients stop to read, for good: API Gateway says 429 of them. The bus ends them, and in calm weather nobody else's answer is late for it;
//   - a client gives up before its $connect is over: its $disconnect comes before that or beside it; and any $disconnect comes twice (ends.go);
//   - clients close right behind a call that makes sense without them, which is then held back, so that $disconnect mostly overtakes it (hurry.go);
//   - workers end by 1009, for what they send, with tasks at work;
//   - API Gateway says 410 of a connection that is there, to posts that arrive or do not, and to all else (wrong.go);
//   - requests are sent again after the SDK's waits, as long as its quota lasts (retry.go); in the others at once;
//   - the environments in which functions run, each with a memory of its own, have clocks up to 100 ms apart (environment.go);
//   - eventual reads, of tables and of global indexes, are up to 2 s old; pages of DynamoDB hold a few items; streams have several shards, which end and
//     have successors; iterators and records do not last long;
//   - limits are small.
//
// Four of ten runs are of tasks alone; the others are of one or more families of calls (mix.go), each with clients of its own (client_*.go, work.go):
//
//   - tasks: clients push, pull, finish in all manners, cancel and list;
//   - pipes: create, write one or several messages, read with and without a time-out, close; in one of three runs the limits of pipes are low;
//   - topics: subscribe own and others' pipes, by name and by wildcard, unsubscribe, publish, often one right behind the answer to another;
//   - locks: lock and unlock, and all want what a client held that is gone;
//   - logins: log in, by password or by a login method, reload, try what the tags allow and what only an administrator may, while others make users, set and
//     take tags, reload and end sessions, serve the login method and list what there is. The clients of all other families get their permissions past the bus.
//
// All leave and come. When they have sent what they were to send, the weather settles (live.go): nothing goes wrong any more, and after settling
// nothing may be stuck. Then the pipes are read until they are empty, and somebody tries all locks. Then all connections end, and two minutes later
// the tables must be empty but for detached tasks.
//
// # What is recorded
//
// The history: each request of a client, each post that API Gateway took, each frame a client got; and the traces (trace*.go): each state of each
// task, pipe, lock, session and user, read from the engine after the write that made it. The invariants look at both.
//
// # A failing seed
//
//	make sim SEEDS=1000 FIRST=1
//
// prints for each failing seed what did not hold and the hash of its log. (go test's flag -family has all runs be of one family: seeds are others
// then.) `make sim SEEDS=1 FIRST=<seed> LOG=1` runs it again, identically, and prints the log: time since the run's begin in seconds, then what
// happened. `#12` is the twelfth invocation of a function; `do #12 PutItem tasks: 200` a request of it that was carried out; `item …` an item after
// a write; `client3 <-- …` a frame; `kill`, `fail`, `lose` a fault. Begin with the line `FAILED`, take the id in it, and read its `item` lines; then
// the lines of the invocations that wrote them.
//
// # What callers are told
//
// No request is answered twice but where the handler that answered first was killed, or a request of it failed or lost its response: then the same
// bytes may come again. The first answer may differ from the second in two cases. A pull whose task was rejected before repair saw its hand-over gets
// -32000 after the task. And a read whose joining lost its response, while its pipe was closed, is told that there is no such pipe after it got no
// messages: it cannot know that it had joined.
//
// Nobody is told -32603 and then something else. A write whose outcome is unknown is settled before its caller hears of it: it is there, or a late
// arrival finds itself refused (unsure in pkg/task and pkg/pipe, send in pkg/lock). A call of which nobody answers for is one of which the handler
// was killed or lost a post, or heard neither of a write nor of what was to settle it. That is so only where the call leaves nothing behind that
// repair could see: user.*, sys.*, sync.*, topic.*, pipe.create, what fails, and a pipe.write whose message is in a row or dropped (pkg/pipe says why).
//
// -32603 says of calls about tasks, and of pipe.read and pipe.close, that nothing happened or will. Of all others it says that their outcome is not
// known: what pipe.write or topic.pub brought may be read, user.* and sys.* may have done what they were to do or, in the next seconds, may do it
// still; a lock that such a call was granted is its session's.
//
// # What holds when a session has ended
//
// Two minutes later nothing is bound to it, and its connection is closed. What API Gateway took before, and makes sense without its caller, is not refused,
// and does what it says that it did, though nobody hears it. The tasks of a worker that ended by 1009 end by -32012 and go to nobody else, if its $disconnect
// was the first to tell of the end and it surely had them (invariants_after.go).
//
// # What permissions are held to
//
// A session's user and tags change by its own good login, by its own reload, or by an administrator's, and become what the user had at some time
// while that handler ran; and they never become what the user had before what the session has already. A login by a method makes it whom the worker named that
// had the login's task. Nobody has a right that no administrator gave (invariants_right.go).
//
// # What it does not cover
//
// Hooks, templates, masks of login methods, failed logins that slow down their source, closed access. The redrive of publications that a pipe could not be
// given, which come out of turn. Records that are trimmed before they were read, which repair would have to be told of: here they are trimmed afterwards.
// Requests whose client gave up arrive up to 5 s late, but not the puts of new tasks and pulls that are repeated (fault.go says why). Messages of the
// queue are never lost and no function is invoked more often than AWS would.
package sim
