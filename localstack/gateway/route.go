package gateway

import (
	"bytes"
	"encoding/json"
)

// Route keys that API Gateway defines.
const (
	routeConnect    = "$connect"
	routeDisconnect = "$disconnect"
	routeDefault    = "$default"
)

// route evaluates $request.body.method on a message and returns the route of that key, else $default, else nil.
func (g *Gateway) route(message []byte) *route {
	if r := g.routes[string(selectionValue(message))]; r != nil {
		return r
	}
	return g.routes[routeDefault]
}

// selectionValue returns the value of the member method of a JSON object as a string: what a string spells, and a number or boolean as it is
// written. It is empty, which is no route key, where there is none: not JSON, no object, no such member, null, an object, an array.
func selectionValue(message []byte) []byte {
	var value []byte
	if !json.Valid(message) {
		return nil
	}
	members(message, func(name, v []byte) {
		if string(name) == "method" {
			value = v
		}
	})
	if len(value) == 0 {
		return nil
	}
	switch value[0] {
	case '"':
		return unquote(value)
	case '{', '[', 'n':
		return nil
	}
	return value
}

// members calls yield for each member of a JSON object, in order, with its unquoted name and its value as written. It does nothing on other
// values. text must be valid JSON, which spares nearly all checks.
func members(text []byte, yield func(name, value []byte)) {
	i := skipSpace(text, 0)
	if i == len(text) || text[i] != '{' {
		return
	}
	i = skipSpace(text, i+1)
	for text[i] != '}' {
		nameEnd := skipString(text, i)
		start := skipSpace(text, skipSpace(text, nameEnd)+1) // past the colon
		end := skipValue(text, start)
		yield(unquote(text[i:nameEnd]), text[start:end])
		i = skipSpace(text, end)
		if text[i] == ',' {
			i = skipSpace(text, i+1)
		}
	}
}

func skipSpace(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\n' || text[i] == '\r' || text[i] == '\t') {
		i++
	}
	return i
}

// skipString returns the index after the string that begins at i.
func skipString(text []byte, i int) int {
	for i++; text[i] != '"'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// skipValue returns the index after the value that begins at i.
func skipValue(text []byte, i int) int {
	switch text[i] {
	case '"':
		return skipString(text, i)
	case '{', '[':
		for depth := 0; ; {
			switch text[i] {
			case '"':
				i = skipString(text, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
			i++
		}
	}
	for i < len(text) && text[i] != ',' && text[i] != '}' && text[i] > ' ' {
		i++
	}
	return i
}

// unquote returns what a valid JSON string spells.
func unquote(quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var s string
	if json.Unmarshal(quoted, &s) != nil { // quoted is valid
		return nil
	}
	return []byte(s)
}
