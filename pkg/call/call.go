// Package call is one request as a family's code sees it, and the rows that say what a connection waits for, works on and owns.
//
// A row is written when a call leaves something behind: a waiting pull, a pushed task, a task handed out. Nobody deletes rows but those of pipes that are
// closed; they are checked against the item they name, and TimeToLive takes them after three hours, one more than a connection can last. rows.go says how
// they are named.
//
// Under login#<address> the table has other rows: those by which package user counts wrong passwords.
package call

import (
	"encoding/json"
	"time"

	"nexus/pkg/access"
	"nexus/pkg/deliver"
)

// Call is one request of a client.
type Call struct {
	Connid  string
	ID      json.RawMessage // nil for a notification
	Request string          // unique to this run of a handler; how it knows its own writes
	Session Session         // read where the method's row says so
	// Oneself says that the call is allowed only as one on the session's own user: on who logged in, not on another of that name, and not while disabled.
	Oneself bool
	// Node is the stage the connection belongs to and IP the client's address, without port.
	Node deliver.Node
	IP   string
	// At is when API Gateway took the request, in whole milliseconds. Its clock is one for all calls, whereas those of two handlers may differ.
	At time.Time
}

// Nobody is the user of a session before it logs in.
const Nobody = "nobody"

// Session is what is in force for a connection.
type Session struct {
	User string
	// UID tells the user from others that had the name before, or have it since; "" for nobody.
	UID  string
	Tags access.Tags
}

// Admission is what a login finds of a user who may log in.
type Admission struct {
	Session
	MaxSessions          int64 // live sessions that the user may have; < 1: any number
	Whitelist, Blacklist []string
}

// End is the end of a session.
type End struct {
	Connid string
	// TooBig says that API Gateway closed its connection for a frame or a message that was too long.
	TooBig bool
}
