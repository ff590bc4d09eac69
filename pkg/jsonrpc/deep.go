package jsonrpc

import (
	"bytes"
	"encoding/json"
	"io"
)

// maxNesting is how deep the objects and arrays of a message may nest: what encoding/json reads.
const maxNesting = 10000

// idOfDeep reads the id of a message that encoding/json refuses. deep reports whether it does so for the nesting alone: the message is one JSON
// value. The id is nil where that is no object, or has none; the last of several counts.
func idOfDeep(message []byte) (id json.RawMessage, deep bool) {
	if bytes.Count(message, []byte("["))+bytes.Count(message, []byte("{")) <= maxNesting {
		return nil, false // for which there is no need to read it a second time
	}
	d := json.NewDecoder(bytes.NewReader(message)) // its tokens have no bound on nesting
	d.UseNumber()                                  // nor on numbers
	var name string
	var from int64 // where that name ends
	depth, object, named, done := 0, false, false, false
	for {
		token, err := d.Token()
		if err != nil {
			return id, err == io.EOF && done
		}
		if done {
			return nil, false // a second value
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			object = object || depth == 0 && token == json.Delim('{')
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		default:
			if object && depth == 1 && !named {
				name, named, from = token.(string), true, d.InputOffset()
				continue
			}
		}
		if named && depth == 1 {
			if named = false; name == "id" {
				id = bytes.TrimLeft(message[from:d.InputOffset()], " \t\r\n:")
			}
		}
		done = depth == 0
	}
}
