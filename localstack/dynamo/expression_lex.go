package dynamo

import "strings"

// tokenKind tells tokens apart. Keywords and function names are plain names to the lexer.
type tokenKind uint8

const (
	tokenEnd    tokenKind = iota
	tokenName             // attribute, #placeholder, keyword or function
	tokenValue            // :placeholder
	tokenIndex            // digits
	tokenSymbol           // = <> < <= > >= + - ( ) [ ] , .
)

type token struct {
	kind tokenKind
	text string
}

// is reports whether the token is that symbol or, without regard to case, that keyword.
func (t token) is(text string) bool {
	return t.kind == tokenSymbol && t.text == text || t.kind == tokenName && strings.EqualFold(t.text, text)
}

// lex cuts an expression into tokens.
func lex(text string) ([]token, error) {
	tokens := make([]token, 0, len(text)/3+1)
	for i := 0; i < len(text); {
		c := text[i]
		start := i
		kind := tokenSymbol
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case isLetter(c) || c == '#' || c == ':':
			i = word(text, i+1)
			kind = tokenName
			if c == ':' {
				kind = tokenValue
			}
			if i == start+1 && (c == ':' || c == '#') {
				return nil, syntaxError(text[start:i], text, start)
			}
		case isDigit(c):
			for i < len(text) && isDigit(text[i]) {
				i++
			}
			kind = tokenIndex
		case strings.IndexByte("=+-()[],.", c) >= 0:
			i++
		case c == '<' || c == '>':
			i++
			if i < len(text) && (text[i] == '=' || c == '<' && text[i] == '>') {
				i++
			}
		default:
			return nil, syntaxError(text[start:start+1], text, start)
		}
		tokens = append(tokens, token{kind, text[start:i]})
	}
	return append(tokens, token{kind: tokenEnd, text: "<EOF>"}), nil
}

// word returns the end of the name that goes on at i.
func word(text string, i int) int {
	for i < len(text) && (isLetter(text[i]) || isDigit(text[i]) || text[i] == '_') {
		i++
	}
	return i
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func syntaxError(token, text string, at int) error {
	return validationf("Syntax error; token: %q, near: %q", token, text[max(0, at-10):min(len(text), at+10)])
}
