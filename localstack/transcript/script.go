package transcript

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Script is a transcript that was read. It does not change and may be played by several goroutines at once.
type Script struct {
	Name   string
	Stages []string // it is played once on each
	Alone  bool     // it takes what any client may have left on the bus, and so is played where, and while, no other uses it
	steps  []step
}

// Elapses returns by how much one play on one stage moves the clock.
func (s *Script) Elapses() time.Duration {
	var d time.Duration
	for _, st := range s.steps {
		d += st.elapse
	}
	return d
}

type verb int

const (
	connect verb = iota
	send
	ask // send until the expectation that follows is met
	expect
	expectNothing
	expectClosed
	hangUp
	cut
	advance
)

type step struct {
	line   int
	verb   verb
	conn   string
	stage  string        // connect; "" is the story's
	parts  []part        // send, ask
	expect *value        // expect
	source string        // expect: the pattern as written
	code   int           // expectClosed; 0 is any
	elapse time.Duration // advance
}

// Parse reads a transcript. name is what errors call it, usually the file's name.
func Parse(name string, src []byte) (*Script, error) {
	s := &Script{Name: name, Stages: []string{"/v0"}}
	known := map[string]bool{"uniq": true, "root": true, "pass": true}
	for _, l := range logicalLines(string(src)) {
		steps, err := s.parseLine(l)
		for i := range steps {
			if err != nil {
				break
			}
			steps[i].line = l.number
			err = steps[i].resolve(known)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, l.number, err)
		}
		s.steps = append(s.steps, steps...)
	}
	for i, st := range s.steps {
		if st.verb == ask && (i+1 == len(s.steps) || s.steps[i+1].verb != expect || s.steps[i+1].conn != st.conn) {
			return nil, fmt.Errorf("%s:%d: after ~~> comes what %s expects", name, st.line, st.conn)
		}
	}
	if len(s.steps) == 0 {
		return nil, fmt.Errorf("%s: nothing to play", name)
	}
	return s, nil
}

type line struct {
	number int
	text   string
}

// logicalLines joins lines with those that go on with them and leaves comments and empty lines out.
func logicalLines(src string) []line {
	var lines []line
	for i, s := range strings.Split(src, "\n") {
		trimmed := strings.TrimSpace(s)
		switch {
		case trimmed == "" || trimmed[0] == '#':
		case strings.TrimLeft(s, " \t") != s && len(lines) > 0:
			lines[len(lines)-1].text += trimmed
		default:
			lines = append(lines, line{i + 1, trimmed})
		}
	}
	return lines
}

func (s *Script) parseLine(l line) ([]step, error) {
	first, tail, _ := strings.Cut(l.text, " ")
	tail = strings.TrimSpace(tail)
	switch first {
	case "on":
		s.Stages = strings.Fields(tail)
		if len(s.steps) > 0 || len(s.Stages) == 0 {
			return nil, errors.New("`on` and the stages stand before everything else")
		}
		return nil, nil
	case "alone":
		if len(s.steps) > 0 || tail != "" {
			return nil, errors.New("`alone` stands by itself, before everything that is played")
		}
		s.Alone = true
		return nil, nil
	case "@":
		d, err := time.ParseDuration(tail)
		if err == nil && d <= 0 {
			err = errors.New("the clock goes forward")
		}
		return []step{{verb: advance, elapse: d}}, err
	}
	op, operand, _ := strings.Cut(tail, " ")
	operand = strings.TrimSpace(operand)
	st := step{conn: first}
	var err error
	switch op {
	case "-->", "~~>":
		if st.verb = send; op == "~~>" {
			st.verb = ask
		}
		st.parts, err = split(operand)
	case "<--":
		err = st.parseExpectation(operand)
	case "login":
		return login(first, strings.Fields(operand))
	case "connect":
		st.verb, st.stage = connect, operand
	case "close", "cut":
		if st.verb = hangUp; op == "cut" {
			st.verb = cut
		}
		if operand != "" {
			err = fmt.Errorf("%q after %s", operand, op)
		}
	default:
		err = fmt.Errorf("%q is none of --> ~~> <-- connect login close cut", op)
	}
	return []step{st}, err
}

func (st *step) parseExpectation(operand string) error {
	code, closed := strings.CutPrefix(operand, "closed ")
	var err error
	switch {
	case operand == "nothing":
		st.verb = expectNothing
	case closed:
		st.verb = expectClosed
		if code != "*" {
			st.code, err = strconv.Atoi(code)
		}
	default:
		st.verb, st.source = expect, operand
		st.expect, err = parsePattern(operand)
	}
	return err
}

// login is short for a request and its answer.
func login(conn string, words []string) ([]step, error) {
	switch len(words) {
	case 0:
		words = []string{"$root", "$pass"}
	case 2:
	default:
		return nil, errors.New("login takes a user and a password, or neither")
	}
	parts, err := split(fmt.Sprintf(`{"jsonrpc":"2.0","id":"login","method":"sys.login","params":{"user":"%s","pass":"%s"}}`, words[0], words[1]))
	if err != nil {
		return nil, err
	}
	const answer = `{"id":"login","result":{"ok":true,…}}`
	pattern, err := parsePattern(answer)
	return []step{{verb: send, conn: conn, parts: parts}, {verb: expect, conn: conn, expect: pattern, source: answer}}, err
}

// resolve checks that variables stand for something where they are used, and notes those that are bound.
func (st *step) resolve(known map[string]bool) error {
	if err := use(st.parts, known); err != nil {
		return err
	}
	if st.expect != nil {
		return st.expect.bind(known)
	}
	return nil
}

func use(parts []part, known map[string]bool) error {
	for _, p := range parts {
		if p.name != "" && !known[p.name] {
			return fmt.Errorf("$%s stands for nothing yet", p.name)
		}
	}
	return nil
}

func (v *value) bind(known map[string]bool) error {
	switch v.kind {
	case variable:
		known[v.name] = true
	case text:
		if len(v.parts) == 1 && v.parts[0].name != "" {
			known[v.parts[0].name] = true
		}
		return use(v.parts, known)
	case verbatim:
		return use(v.parts, known)
	}
	for _, m := range v.members {
		if err := use(m.name, known); err != nil {
			return err
		}
		if err := m.value.bind(known); err != nil {
			return err
		}
	}
	for _, e := range v.elems {
		if err := e.bind(known); err != nil {
			return err
		}
	}
	return nil
}
