package transcript

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

type kind int

const (
	literal    kind = iota // null, true, false, a number: compared as text
	text                   // a string
	object                 //
	array                  //
	anything               // *
	rest                   // …, in arrays; objects have open
	variable               // $name
	expression             // /regexp/
	verbatim               // `text`
)

// value is JSON as it came, or a pattern for it.
type value struct {
	kind    kind
	raw     string // the bytes in the source
	parts   []part // text, verbatim
	members []member
	open    bool // an object with …
	elems   []*value
	re      *regexp.Regexp
	name    string // variable
}

type member struct {
	name  []part // no stars
	value *value
}

// part is a piece of a string: literal text, a star, or a variable.
type part struct {
	text string
	star bool
	name string
}

// parseMessage reads JSON that came.
func parseMessage(src []byte) (*value, error) {
	if !json.Valid(src) {
		return nil, errors.New("no JSON")
	}
	return parse(string(src), false)
}

// parsePattern reads a pattern.
func parsePattern(src string) (*value, error) { return parse(src, true) }

func parse(src string, pattern bool) (*value, error) {
	p := parser{src: src, pattern: pattern}
	v, err := p.value()
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", p.at, err)
	}
	if p.space(); p.at < len(src) {
		return nil, fmt.Errorf("byte %d: %q after the value", p.at, src[p.at:])
	}
	return v, nil
}

type parser struct {
	src     string
	at      int
	pattern bool
}

func (p *parser) space() {
	for p.at < len(p.src) && strings.IndexByte(" \t\r\n", p.src[p.at]) >= 0 {
		p.at++
	}
}

// take steps over a token if it is next.
func (p *parser) take(token string) bool {
	p.space()
	if !strings.HasPrefix(p.src[p.at:], token) {
		return false
	}
	p.at += len(token)
	return true
}

const ellipsis = "…"

func (p *parser) value() (*value, error) {
	p.space()
	start := p.at
	if p.at == len(p.src) {
		return nil, errors.New("a value is missing")
	}
	v := &value{}
	var err error
	switch c := p.src[p.at]; {
	case c == '{':
		err = p.object(v)
	case c == '[':
		err = p.array(v)
	case c == '"':
		v.kind = text
		v.parts, err = p.text()
	case p.pattern && p.take("*"):
		v.kind = anything
	case p.pattern && p.take(ellipsis):
		v.kind = rest
	case p.pattern && c == '$':
		v.kind = variable
		if v.name = variableName(p.src[p.at+1:]); v.name == "" {
			return nil, errors.New("$ without a name")
		}
		p.at += 1 + len(v.name)
	case p.pattern && (c == '/' || c == '`'):
		err = p.quoted(v, c)
	default:
		for p.at < len(p.src) && strings.IndexByte(",]} \t\r\n", p.src[p.at]) < 0 {
			p.at++
		}
		if word := p.src[start:p.at]; !json.Valid([]byte(word)) {
			return nil, fmt.Errorf("%q is no value", word)
		}
	}
	v.raw = p.src[start:p.at]
	return v, err
}

// quoted reads /regexp/ and `text`.
func (p *parser) quoted(v *value, quote byte) error {
	n := strings.IndexByte(p.src[p.at+1:], quote)
	if n < 0 {
		return fmt.Errorf("%c without its end", quote)
	}
	inside := p.src[p.at+1 : p.at+1+n]
	p.at += n + 2
	var err error
	if quote == '/' {
		v.kind = expression
		v.re, err = regexp.Compile(`\A(?:` + inside + `)\z`)
	} else {
		v.kind = verbatim
		v.parts, err = split(inside)
	}
	return err
}

func (p *parser) object(v *value) error {
	v.kind = object
	return p.list("{", "}", func() error {
		if p.pattern && p.take(ellipsis) {
			v.open = true
			return nil
		}
		return p.member(v)
	})
}

// list reads what stands between commas.
func (p *parser) list(from, to string, next func() error) error {
	p.take(from)
	if p.take(to) {
		return nil
	}
	for {
		if err := next(); err != nil {
			return err
		}
		if p.take(to) {
			return nil
		}
		if !p.take(",") {
			return errors.New(", or " + to + " is missing")
		}
	}
}

func (p *parser) member(v *value) error {
	p.space()
	if p.at == len(p.src) || p.src[p.at] != '"' {
		return errors.New("a member's name is missing")
	}
	name, err := p.text()
	if err != nil {
		return err
	}
	for _, part := range name {
		if part.star {
			return errors.New("a star in a member's name")
		}
	}
	if !p.take(":") {
		return errors.New(": is missing")
	}
	val, err := p.value()
	v.members = append(v.members, member{name, val})
	return err
}

func (p *parser) array(v *value) error {
	v.kind = array
	return p.list("[", "]", func() error {
		elem, err := p.value()
		v.elems = append(v.elems, elem)
		return err
	})
}
