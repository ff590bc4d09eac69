package call

import (
	"encoding/json"

	"nexus/pkg/jsonrpc"
)

// maxListing is how long a listing may be, in bytes of JSON, so that its message stays under 128 KB.
const maxListing = 127 << 10

// Listing is the answer of a call that lists, row by row. Its zero value is an empty one.
type Listing struct {
	rows []json.RawMessage
	size int
}

// Add adds a row. -32602, asking for less, if the listing then does not fit one message.
func (l *Listing) Add(row json.RawMessage) error {
	if l.size += len(row) + 1; l.size > maxListing {
		return jsonrpc.Err(jsonrpc.InvalidParams, "limit: the listing does not fit one message, ask for less")
	}
	l.rows = append(l.rows, row)
	return nil
}

// Len is the number of rows.
func (l *Listing) Len() int { return len(l.rows) }

// Outcome is the listing as an answer: an array, [] if it has no rows.
func (l *Listing) Outcome() jsonrpc.Outcome { return jsonrpc.Success(jsonrpc.Array(l.rows)) }
