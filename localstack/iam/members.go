package iam

import (
	"bytes"
	"errors"
)

var errNoObject = errors.New("iam: the parameters are no JSON object")

// members gives the members of a JSON object to each, their values as they stand. It looks at no more of a value than where it ends, for every
// request comes by here, and the service reads it anyway.
func members(text []byte, each func(name, value []byte) error) error {
	text = bytes.TrimSpace(text)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return errNoObject
	}
	text = bytes.TrimSpace(text[1 : len(text)-1])
	for len(text) > 0 {
		n := end(text)
		if n < 0 || text[0] != '"' {
			return errNoObject
		}
		name := text[1 : n-1]
		var colon bool
		if text, colon = bytes.CutPrefix(bytes.TrimSpace(text[n:]), []byte(":")); !colon {
			return errNoObject
		}
		text = bytes.TrimSpace(text)
		if n = end(text); n < 0 {
			return errNoObject
		}
		if err := each(name, text[:n]); err != nil {
			return err
		}
		text = bytes.TrimSpace(text[n:])
		if len(text) == 0 {
			return nil
		}
		if text[0] != ',' {
			return errNoObject
		}
		if text = bytes.TrimSpace(text[1:]); len(text) == 0 {
			return errNoObject
		}
	}
	return nil
}

// end is where the JSON value ends that text begins with, -1 if it does not.
func end(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			n := quoted(text[i:])
			if n < 0 {
				return -1
			}
			i += n - 1
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return i // of a number or a word, behind which its object ends
			}
		case ',':
			if depth == 0 {
				return i
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return i + 1
		}
	}
	if depth > 0 || len(text) == 0 {
		return -1
	}
	return len(text)
}

// quoted is the length of the string that text begins with, -1 if it does not end.
func quoted(text []byte) int {
	for i := 1; ; i++ {
		n := bytes.IndexByte(text[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		escapes := 0
		for text[i-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
}
