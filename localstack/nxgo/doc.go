// Package nxgo holds tests of the bus with a client library that others wrote for the server it stands in for: github.com/nayarsystems/nxgo, as it
// is published, over ws://127.0.0.1 on the stage v1. Everything that the library can ask is asked: see complete_test.go. What needs time to
// pass is in a bubble whose time is virtual (time_test.go); there the library has a connection in memory, since it can dial only a network.
//
// What the library does, and a bus must bear:
//   - It dials with sys.ping and sys.version before any login, and gives up on a version other than 1.x, x ≥ 8.
//   - A request is one frame whatever its length. API Gateway takes frames up to 32 KB: a longer request ends the connection with 1009.
//   - It waits for an answer for as long as the connection lasts, and pings after a minute without traffic.
//   - A Listen reads with max 100000 and no timeout, again and again, until a read is refused: it ends with its pipe.
package nxgo
