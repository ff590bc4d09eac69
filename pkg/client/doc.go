// Package client speaks to a Nexus bus.
//
// A Client is one connection and one session. Any number of goroutines may call on it at once; answers are told apart by id and come in any
// order. Messages over 32 KB go out in several frames, as API Gateway wants them.
//
// A connection ends: by Close, with the network, after two hours at the latest. Every call under way then returns a *ClosedError, whose outcome
// nobody knows, and the session is gone with its waiting pulls, its tasks at work and its pushes that are not detached. To connect and log in
// again is the caller's business, who alone knows what is to be repeated.
//
// The end of a context ends a call. For Push and Pull, which the bus answers later, the client then cancels what is open there; what was
// decided on the bus before that is returned, so that no task that was handed out is lost and no result thrown away.
package client
