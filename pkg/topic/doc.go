// Package topic is the family topic.*: what is published on a topic is written to the pipes that are subscribed.
//
//	topic.pub ──one update of a row──▶ stream record ──the stream's function: for each pipe subscribed──▶ appended
//
// Everything is in one table. Its partitions:
//
//	p#<row>    one of 64 rows of publications, each the last of them: its number n, topic, message (over 4 KB: the body row that holds it), and the
//	           requests of the last eight. A publisher's row goes by its connid. One of the bus itself has parts, by which it is matched.
//	s#<topic>  a row per pipe that is or was subscribed, by what it is subscribed to: a.b or a.b.* or *; and when it was
//	q#<pipe>   the same from the pipe, so that its end finds them
//	c#<row>    how far the fan-out of a row has come, where that is not to the end at once
//	h#         a row per subscription that may take what the bus itself publishes, so that it publishes only what somebody hears
//
//	a publication  published ──▶ its record
//	a record       given to the function, handed out with those of its topic that follow ──all pipes have it──▶ done
//	                 │    ▲
//	                 │    └──given again── the invocation's time is up, a pipe failed, a death: on from the cursor
//	                 ├──no publication──▶ dead letter
//	                 └──6 h old──▶ dead letter, by Lambda
//	a pipe of it   behind the cursor ──▶ appended │ gone: its subscription is removed ──▶ before the cursor
//	                 └──five attempts──▶ dead letter ──▶ before the cursor
//	a cursor       {n, at, last, tries}, growing in (n, at): kept when a record did not get done, and before and during the work on one that was not done
//	               before or is 10 s old
//	a subscription both rows: open ──unsub──▶ closed ──sub──▶ open …, each by one transaction that checks that the pipe is open
//	                 └──the pipe's end──▶ gone
//
// # From topic to each pipe: exactly once, in the order of one publisher's awaited publications
//
//   - At most once from the publisher: the update is sent with one attempt. Where its outcome is unknown the row is read back; a publisher that finds
//     its request among the last eight has published, and is told so. One that does not is told -32603: it has not published, unless its request
//     arrives later, or eight others did between the two.
//   - At least once from an acknowledged publication: its record is in the stream for 24 h. It is done only when each pipe that was
//     subscribed when it was made was given it, or is gone, or a dead letter holds it.
//   - Once to a pipe: pipes know, by row and number, what they had (pipe.Append), so that a record may come twice, late, with others than before, or
//     to several invocations at a time, and a handler may die anywhere. A pipe that matches in several ways is given the same row and number, and
//     takes it once.
//   - In order: publications of one publisher are in one row, whose records a stream gives in the order of their numbers. A row's next publications
//     are begun when each pipe has those before; a row stops at its first failure, in an invocation and, since that record is reported as failed,
//     beyond it. An invocation that is late with a number finds that the pipe has it.
//   - What a cursor says is true for good: all publications before n are done, and n to last are with each pipe up to its place. Who goes on from it
//     takes n to last at most behind the place, and what follows from the beginning, so that it leaves out nothing.
//
// # Together
//
// Records of a batch that follow one another in a row, of one topic and with messages of at most 512 B, are handed out together: one walk through the
// subscriptions, one append and one post a pipe. So the more is published the less each publication costs; alone it is not held back. After two
// failures at a place publications go one by one, so that one which nobody can hand out takes no other with it.
//
// A pipe that was subscribed when some of them were made, and not when others were, gets those by themselves. It may have had another subscription then,
// which is looked up for that: what a pipe gets of a row it gets in the order of the numbers.
//
// # Who is subscribed
//
// A publication is made, and a subscription begins and ends, when API Gateway took the call: by its clock, which is one for all connections and counts
// milliseconds. A pipe gets a publication if it was made from the beginning to the end, both included, of any time at which the pipe was subscribed
// (spans.go). Rows keep these times, so that it is nothing to the fan-out when it reads them, nor what the clocks of handlers say.
//
//   - Subscribed, then published: the row is there before the publication is, and so before any reading on its behalf; it began before it.
//   - Published, then unsubscribed: the row stays, and ended after it.
//   - Published, then subscribed, and unsubscribed, then published: the times are apart, for topic.pub and topic.unsub are answered a millisecond after
//     they were taken, or later (apart); where requests travel they are anyway. So awaited calls, of whatever clients, are always told apart. Only what
//     was under way at the same time may be taken within one millisecond: then the pipe gets the publication.
//   - Subscriptions take effect as API Gateway took them, too, and not as handlers come to it: an end that was asked for before somebody asked for the
//     subscription (again) does nothing, and a beginning before its end begins nothing. So an attempt that arrives when its caller has long done
//     something else does no harm. Only an end that finds nothing leaves nothing: a beginning which it overtook, unanswered, holds.
//   - What topic.pub says it was sent to is counted by the same rule. Calls under way at the same time may change it still.
//   - A publication of the bus itself is made when API Gateway took the event whose handler publishes; or by that handler's own clock, where the event
//     is none of API Gateway's.
//
// A row lasts as long as its pipe, open or closed, and is one however often it changes: it has the last forty times before the one that it is at; of more
// the two oldest become one, with the gap between them. So what one client does, over and over, makes a topic slower for others by at most one row of 1 KB
// for each pipe that it keeps open, which the walk goes past; to be subscribed costs them more. A pipe's end takes its rows away, before it is answered.
//
// # Fan-outs that are large, slow or stuck
//
// An invocation begins nothing more after 6 s (Chores; functions end at 10 s). The record that it is at fails, Lambda gives it again, and the next
// invocation goes on behind the cursor. That costs retries, of which the event source mapping has as many as there can be (10,000), more than fit in
// the 6 h after which a record is given up for its age. Instead of this the rest could be a message of the delay queue; but then the row's later
// records, which exist in the stream alone, would have to be put by somewhere and taken up in order by two functions. What waits behind a large
// fan-out is the same either way, the row; and one lane of four of its shard.
//
// Posts to reads that wait keep under Rate a second in each environment of the function; appending where nobody reads has no bound but pipesAtOnce.
//
// Attempts at a place are counted before they begin, so that deaths count; from the third on pipes are taken one by one, which tells the pipe that
// kills. Queries that fail are no attempt: the pipe behind the cursor had no part in it. A dead letter about a pipe (WakeAppend) names publication
// and pipe and holds the message, or the body row that does. Moved to the delay queue, as by SQS's own redrive, it is appended behind what the pipe
// has, without being recognised if it comes twice. That about a record which is no publication (topic.poison) is for a person to read.
//
// # What is not copied
//
// A message over 512 B is one body row to which all pipes refer: the publisher's, if it is over 4 KB, else one that the fan-out puts. It is kept for
// longer than any pipe that may refer to it.
package topic
