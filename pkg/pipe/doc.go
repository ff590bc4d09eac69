// Package pipe is the family pipe.*: queues of messages that any session writes and the one that created them reads.
//
// A pipe is a partition of one table. Its item `meta` is the state machine; each write that finds nobody waiting leaves one row of messages beside
// it, numbered without holes; a long publication, which many pipes get, is not copied: its row refers to the body row that holds it. Rows are never
// changed and never deleted (TimeToLive takes them), so that a range of them is the same whenever it is read.
//
//	meta:  open ──close, or the end of its session──▶ closed ──everybody was answered──▶ gone
//
//	a write        ┌─ nothing unread and a read waits: the read is handed the message ─────────────────▶ acknowledged
//	               ├─ else: the number tail.n is allotted ──the row is put──▶ acknowledged ──look: reads that wait are served
//	               ├─ no room: counted in drops ────────────────────────────────────────────────────────▶ acknowledged
//	               └─ too many bytes unread: refused, or, of a publication, counted in drops
//
//	a read         ┌─ rows at the head: handed over
//	               └─ else: joins waits ──look──▶ waits ──served, in turn──▶ handed over
//	                                                └──time-out, close──▶ answered without messages
//
//	a hand-over    who.#t, what.#t and was.#t, named by a token of the handler that made it ──posted──▶ cleared
//
//	a number       allotted ──▶ its row, put by its writer
//	                  └──its writer is dead, or has only some of its messages──▶ a plug, put by whoever comes to it ──▶ skipped; who still has them is
//	                     allotted another number
//
// Each arrow is one conditional write. What meta holds:
//
//	owner, len          the session that reads, the capacity in messages
//	head {n,o,s,b}      what is read next: row number, messages already taken of that row, the sum of all messages before, and of their bytes
//	tail {n,c,s,b,w,d,a}
//	                    the next row number, the messages written (dropped ones too), those accepted, their bytes, those unread, the drops not yet
//	                    reported, and when a number was last allotted
//	waits, asks, asker  the reads that wait, in turn, at most 32; how many ever joined, or gave it up; the token of the last to join
//	who, what, was      the hand-overs: to which read; which messages; tail as it was just before
//	owed                the answers `ok` that the writers of hand-overs, and who closed the pipe, were not yet known to have got
//	made                tail just before each of the last few allotments, by the token of who got it
//	sn, sk, sf          by row of publications: the last that a number was allotted to or that was handed over or dropped, tail just before, and the first
//	                    of those to which that number was allotted
//	closed, closer      when it was closed, and by which request
//	refused             the tokens of what can happen no more, since its caller was told -32603; mostly none
//
// # Every acknowledged message is read exactly once or counted in drops
//
// A message is acknowledged when it is in a row, or in a hand-over, or counted.
//
//   - At least once. In a row: its number is below tail.n before the row is put, and head does not pass a number without meeting its row or a plug,
//     which both are put only where the other is not. A writer that meets a plug has not acknowledged yet and goes on with a new number. Head moves
//     over messages only in the write that names their range in a hand-over, and a hand-over is cleared only after its post; until then repair
//     posts it. In a hand-over: the same. A read is never left beside messages: a writer puts its row and then looks for reads, a read joins
//     and then looks for rows (the item that joining returns is that look, where nothing was unread), so that one of them sees the other.
//   - At most once. Two hand-overs never name one message: each range begins at the head that its write is conditional on and moves. A read is never
//     handed two: it leaves waits in the write that names it in who, and joins once, since joining is conditional on asks and is repeated with
//     the same asks only. A write is never stored twice: a number is allotted once to a token (made), a hand-over made once (who), a row put once.
//     An attempt that was held up on its way and comes when its token is forgotten finds another head, count or asks, or takes a number that is
//     given up again. Publications are told apart by their numbers, below.
//   - A post whose outcome is unknown, or which a death follows, is repeated with the same bytes: rows do not change, and was keeps the counters.
//   - drops grows in the same write by which the number of messages does, and goes back to 0 in the write that reports it. That write is conditional
//     on the number, so that it happens once; whose response was lost, and token forgotten, does not try again, and is told -32603.
//
// # Publications come again, in other parts
//
// Several that follow one another in their row are appended together: they are one row, one hand-over, or dropped, all of them. They may come again,
// at any time, with fewer or more: as the stream's batches are cut. What holds is that nobody begins with a publication before those in front of it
// are in the pipe, or given up for this pipe (Append).
//
//   - What sn says is stored for good if it was handed over or dropped, or if the row of sk's number is there. Who comes with a publication up to sn
//     sees to that row first. If it has all from sf to sn it puts it: the same messages as anybody would. If not it puts a plug. Either way
//     the number is settled, in one put: the row holds exactly sf to sn, or there will never be one.
//   - In place of a number with a plug, and only while sk still has that number, the publications from sf on that the handler has are stored: sn may
//     go back by this, but not below sf. Else they are stored only if sn is below the first of them. So two numbers with rows never hold one
//     publication: after a row up to n is there sn stays at n or above, and what follows begins above n.
//   - Who lost its number to a plug had acknowledged nothing of it. It begins again with what the pipe knows then, which is some of its publications,
//     all, or none of them.
//
// Unread messages are counted in tail.w for the condition on room, which could not subtract. A plugged number takes with it a count of messages that
// only its dead writer knew; so each row tells the sum before it, head carries the sum as well, and what the two differ by when head moves
// is what tail.w loses.
//
// # Limits
//
// What one client can have others hold is bounded (Limits), and costs no write of its own.
//
//   - Unread bytes are what tail.b is ahead of head.b. A condition cannot subtract, but head.b only grows: who read it and allots a number where tail.b,
//     as the write finds it, is at most head.b as it was read and the limit less the message stays within the limit. Head moves with its bytes as with its
//     messages: rows tell the bytes before them, so that those of a plugged number are unread no more. Who finds no room has written nothing. Publications
//     are dropped on condition that nothing was written or read since.
//   - Items of an earlier version do not tell bytes. What they hold does not count; where head does not tell (it was moved by a function of that version)
//     nothing does until it is moved again.
//   - A pipe that its session closes loses the row of calls by which the end of the session would find it, once its subscriptions are gone: so there are
//     as many rows as pipes, and whoever creates one counts them. A row that a dead closer left is met by who is at the limit, which looks at the oldest.
//
// A write that no hand-over and no drop answers is acknowledged from its handler alone: one that dies between its first write and its post leaves its
// caller without an answer, and its message unread or read, but not acknowledged.
package pipe
