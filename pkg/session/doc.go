// Package session holds what a connection is to the bus: who logged in on it and with which tags, how long it may be silent, and its end.
//
//	$connect ──▶ live ──one conditional write──▶ ended (kept three hours as a tombstone)
//	  (a $disconnect that finds nothing) ──────▶ ended
//
// Whoever learns of an end first ($disconnect, a post that meets 410, the watchdog, a kick) sends the messages for the second and third
// clean-up, writes the end, deletes the connection and goes through the rows of package call: waiting pulls go, tasks that were worked on
// return, pushed ones are dropped. The later clean-ups are for handlers that were under way when the session ended.
//
// The tombstone keeps user, tags and until when API Gateway must have taken a call for it to be carried out still (LoadEnded): $disconnect may overtake what was
// sent before it. A connection whose session has ended is closed, and again by the later clean-ups, for 410 was seen to be wrong; so one that only pings is
// closed within a minute. One that takes nothing any more is ended too (slow.go).
//
// A login and a reload write the user's tags, each conditional on what it read: req is the request that wrote them last, login that of the last
// login, uid that of the user (and owner, by which an index counts a user's live sessions), mask what a login method's worker left of them
// (method.go). Between asking the worker and its answer nothing is held: the login goes on where its task ends (Then). What its worker says is
// believed, so that who may pull such tasks is as mighty as whoever he vouches for; pkg/task sees to it that only the session which a task was
// given to ends it, and that it is given to none that may not (loginmethod.go there).
//
// A connection has one login by a password under way at a time, and one by a method: turn and turnof, ask and askof say since when and whose, turned and
// asked whose was the last (turn.go); refused counts those that came meanwhile. A connection may bring credentials as it is opened; then its session is that
// of the user from the first (credentials.go).
//
// Listings read the whole table. Besides sessions it holds what execution environments report of their load (nodes.go), under keys that no
// connid reaches.
//
// No write to a session is without the condition that it is live: DynamoDB's update creates what is missing.
package session
