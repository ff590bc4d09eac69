// Package lock holds the locks of sessions and the calls about them.
//
//	free ──lock──▶ held by a session ──unlock, by that session──▶ free
//	                     │      ▲
//	                     └──────┘ lock, once that session is gone
//
// A lock is one item of the table locks, under its canonical name: owner (the connid that holds it; absent while nobody does), fence (that of
// the last grant), by (the request that was granted it last), freed (the request that unlocked it last), asked and asker (when API Gateway was
// last asked for a holder's connection, and by which request), blind (until when what was sent counts no more; of few locks, send.go says why).
// Nothing about a lock is written when a session ends: whoever wants the lock finds that out, so that no lock depends on a clean-up, nor on a
// $disconnect, which may never come.
//
// A fence grows with each grant and is never used again. The first is the time in milliseconds, each further one is greater by one. So a lock
// that TimeToLive took, a day after it was last of use, begins again above all it had: a partition takes 1,000 writes a second, which is fewer
// grants than milliseconds.
package lock
