package queue

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// handle is the receipt handle of m's latest receive. It names the queue, the message and the receive.
func (q *queue) handle(m *message) string {
	return base64.StdEncoding.EncodeToString([]byte(q.name + " " + m.id + " " + strconv.Itoa(m.receives)))
}

// byHandle finds the message of a receipt handle. The message is nil where it is gone or was received again since; an error is a handle that this
// queue never gave.
func (q *queue) byHandle(handle string) (*message, error) {
	if handle == "" {
		return nil, missing("ReceiptHandle")
	}
	raw, err := base64.StdEncoding.DecodeString(handle)
	fields := strings.Fields(string(raw))
	if err != nil || len(fields) != 3 || fields[0] != q.name {
		return nil, errReceiptHandleIsInvalid.with("The input receipt handle %q is not a valid receipt handle of this queue.", handle)
	}
	m := q.messages[fields[1]]
	if m == nil || strconv.Itoa(m.receives) != fields[2] {
		return nil, nil
	}
	return m, nil
}
