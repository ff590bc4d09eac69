// Package task is the family task.*: what is pushed, pulled and answered.
//
// A task and a waiting pull are items of one table, in the partition of their path. The item of a waiting pull becomes the task that a push
// brings; an item keeps its key for life.
//
//	pull:  waiting ──timeout, cancel──▶ done ──▶ gone
//	          │  └──paired with a task that waits (transaction)──▶ done ──▶ gone
//	          └──converted by a push──▶ task working
//
//	task:  waiting ◀──reject, worker gone: ttl - 1──┐
//	          │ claimed by a pull, or paired        │
//	          └────────────────────────────────▶ working
//	          │                                     │
//	          └──result, error, cancel, timeout, ───┴──▶ done ──▶ gone
//	             expiry, pusher gone
//
// Each arrow is one conditional write (or one transaction of two). What follows it, posting and marking and deleting, may be lost with its
// handler; the item shows what is missing and repair.go makes it good once nothing has moved for 30 s. The protocol and the reason for each
// detail are in the design's state-machines.md. Three rules go beyond it, all found by the simulation's lost responses:
//
//   - Who makes an item puts a row of its connection after the write is known to have happened, and nobody deletes an item whose maker's row is
//     missing. Else the item could be finished and deleted while its maker, having lost the response, writes it a second time.
//   - A write whose outcome stays unknown is settled before its caller is told -32603: it is there, and the call is answered from the record, or a
//     late arrival finds itself refused (unsure.go). So no request is answered -32603 and then by what its write brought.
//   - A return does not forget a pull that was not answered yet: it is owed an answer, kept in the item's debts.
//
// A task that the bus pushed for another family's call (then.go) is done before that family has answered: the answer takes the outcome's place
// before it is posted, so that what is posted twice is the same. It is a login, whose result says who is logged in: so it is ended only by the session that it
// was handed to, while that works on it, its id is shown to nobody else, and it is handed to none that may not vouch for users (loginmethod.go).
package task
