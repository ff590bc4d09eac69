package call

import (
	"encoding/json"

	"nexus/pkg/access"
	"nexus/pkg/jsonrpc"
)

// maxListing is how long a listing may be, in bytes of JSON, so that its message stays under 128 KB.
const maxListing = 127 << 10

// Listing is the answer of a call that lists, row by row.
type Listing struct {
	named bool
	rows  []json.RawMessage
	size  int
}

// NewListing returns an empty listing for a call that lists by l.
func NewListing(l access.List) *Listing { return &Listing{named: l.Named} }

// Add adds a row. Where it does not fit one message the row is left out, and full says that there is room for no more of them. But a client that named
// how many it wants is told -32602, asking for less, and so is one that could get no row at all.
func (l *Listing) Add(row json.RawMessage) (full bool, err error) {
	if len(row) >= l.Room() {
		if l.named || len(l.rows) == 0 {
			return false, jsonrpc.Err(jsonrpc.InvalidParams, "limit: the listing does not fit one message, ask for less")
		}
		return true, nil
	}
	l.size += len(row) + 1
	l.rows = append(l.rows, row)
	return false, nil
}

// Room is how many bytes there is room for, the comma behind a row among them.
func (l *Listing) Room() int { return maxListing - l.size }

// Len is the number of rows.
func (l *Listing) Len() int { return len(l.rows) }

// Outcome is the listing as an answer: an array, [] if it has no rows.
func (l *Listing) Outcome() jsonrpc.Outcome { return jsonrpc.Success(jsonrpc.Array(l.rows)) }
