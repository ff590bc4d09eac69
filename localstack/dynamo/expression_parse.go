package dynamo

import (
	"slices"
	"strconv"
	"strings"
)

// Bounds of an expression, from the quotas page of the developer guide.
const (
	maxExpression = 4096 // bytes
	maxOperators  = 300
	maxIn         = 100 // operands of IN
)

// grammar is the kind of an expression.
type grammar uint8

const (
	grammarCondition grammar = iota // conditions, filters and key conditions
	grammarProjection
	grammarUpdate
)

// parser is a recursive descent over the tokens of one expression.
type parser struct {
	text      string
	tokens    []token
	pos       int
	operators int
	ex        *expression
	err       error
}

// parse parses an expression. Errors lack the parameter's name, which the caller puts before them.
func parse(g grammar, text string) (*expression, error) {
	if strings.TrimSpace(text) == "" {
		return nil, validation("The expression can not be empty;")
	}
	if len(text) > maxExpression {
		return nil, validationf("Expression size has exceeded the maximum allowed size; expression size: %d", len(text))
	}
	tokens, err := lex(text)
	if err != nil {
		return nil, err
	}
	p := &parser{text: text, tokens: tokens, ex: &expression{}}
	switch g {
	case grammarCondition:
		p.ex.condition = p.or()
	case grammarProjection:
		for ok := true; ok; ok = p.skip(",") {
			p.ex.paths = append(p.ex.paths, p.path())
		}
	case grammarUpdate:
		p.sections()
	}
	if p.err == nil && p.peek().kind != tokenEnd {
		p.unexpected()
	}
	if p.err == nil && p.operators > maxOperators {
		p.fail(validationf("The expression contains too many operators: %d", p.operators))
	}
	return p.ex, p.err
}

func (p *parser) peek() token {
	if p.err != nil {
		return p.tokens[len(p.tokens)-1]
	}
	return p.tokens[p.pos]
}

func (p *parser) next() token {
	t := p.peek()
	if t.kind != tokenEnd {
		p.pos++
	}
	return t
}

// skip consumes a symbol or keyword if it comes next.
func (p *parser) skip(text string) bool {
	if !p.peek().is(text) {
		return false
	}
	p.pos++
	return true
}

func (p *parser) expect(text string) {
	if !p.skip(text) {
		p.unexpected()
	}
}

func (p *parser) fail(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *parser) unexpected() {
	near := p.tokens[max(0, p.pos-1):min(len(p.tokens), p.pos+2)]
	var words []string
	for _, t := range near {
		if t.kind != tokenEnd {
			words = append(words, t.text)
		}
	}
	p.fail(validationf("Syntax error; token: %q, near: %q", p.peek().text, strings.Join(words, " ")))
}

func (p *parser) or() *condition { return p.chain("OR", conditionOr, p.and) }

func (p *parser) and() *condition { return p.chain("AND", conditionAnd, p.not) }

// chain parses operands joined by one keyword into one flat node.
func (p *parser) chain(keyword string, kind conditionKind, operand func() *condition) *condition {
	first := operand()
	if !p.peek().is(keyword) {
		return first
	}
	node := &condition{kind: kind, name: keyword, children: []*condition{first}}
	for p.skip(keyword) {
		p.operators++
		node.children = append(node.children, operand())
	}
	return node
}

func (p *parser) not() *condition {
	if p.skip("NOT") {
		p.operators++
		return &condition{kind: conditionNot, name: "NOT", children: []*condition{p.not()}}
	}
	if p.operandInParens() || !p.skip("(") {
		return p.predicate()
	}
	inner := p.or()
	p.expect(")")
	if p.err != nil {
		return inner
	}
	if inner.parens {
		p.redundant()
	}
	inner.parens = true
	return inner
}

func (p *parser) redundant() { p.fail(validation("The expression has redundant parentheses;")) }

// operandInParens reports whether what follows is an operand in parentheses, as in "(a) = :b", and not a condition in them.
func (p *parser) operandInParens() bool {
	if !p.peek().is("(") {
		return false
	}
	depth := 0
	for i, t := range p.tokens[p.pos:] {
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		}
		if depth == 0 {
			next := p.tokens[min(p.pos+i+1, len(p.tokens)-1)]
			return isComparator(next) || next.is("BETWEEN") || next.is("IN")
		}
	}
	return false
}

func isComparator(t token) bool {
	return t.kind == tokenSymbol && slices.Contains([]string{"=", "<>", "<", "<=", ">", ">="}, t.text)
}

// functions that are conditions, with the number of their arguments.
var conditionFunctions = map[string]struct {
	kind conditionKind
	args int
}{
	"attribute_exists":     {conditionExists, 1},
	"attribute_not_exists": {conditionNotExists, 1},
	"attribute_type":       {conditionType, 2},
	"begins_with":          {conditionBeginsWith, 2},
	"contains":             {conditionContains, 2},
}

// predicate parses a function or a comparison.
func (p *parser) predicate() *condition {
	if name, ok := p.call(); ok {
		if f, ok := conditionFunctions[name]; ok {
			p.pos += 2
			p.operators++
			return &condition{kind: f.kind, name: name, args: p.arguments(name, f.args)}
		}
	}
	left := p.operand()
	t := p.next()
	p.operators++
	switch {
	case isComparator(t):
		return &condition{kind: conditionCompare, name: t.text, args: []*operand{left, p.operand()}}
	case t.is("BETWEEN"):
		low := p.operand()
		p.expect("AND")
		return &condition{kind: conditionBetween, name: "BETWEEN", args: []*operand{left, low, p.operand()}}
	case t.is("IN"):
		p.expect("(")
		node := &condition{kind: conditionIn, name: "IN", args: []*operand{left}}
		for ok := true; ok; ok = p.skip(",") {
			node.args = append(node.args, p.operand())
		}
		p.expect(")")
		if len(node.args)-1 > maxIn {
			p.fail(validationf("Incorrect number of operands for operator or function; operator or function: IN, number of operands: %d", len(node.args)))
		}
		return node
	}
	if t.kind != tokenEnd {
		p.pos--
	}
	p.unexpected()
	return &condition{}
}

// call reports the name of the function call that comes next.
func (p *parser) call() (string, bool) {
	if t := p.peek(); t.kind == tokenName && t.text[0] != '#' && p.tokens[p.pos+1].is("(") {
		return t.text, true
	}
	return "", false
}

// arguments parses "operand, …)" and checks their number.
func (p *parser) arguments(function string, want int) []*operand {
	var args []*operand
	for ok := true; ok; ok = p.skip(",") {
		args = append(args, p.operand())
	}
	p.expect(")")
	if p.err == nil && len(args) != want {
		p.fail(validationf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d",
			function, len(args)))
	}
	return args
}

// operand parses a path, a value, or a function that gives a value.
func (p *parser) operand() *operand {
	if name, ok := p.call(); ok {
		return p.valueFunction(name)
	}
	if t := p.peek(); t.kind == tokenValue {
		p.pos++
		return &operand{kind: operandValue, value: place(&p.ex.values, t.text)}
	}
	if p.skip("(") {
		if p.peek().is("(") {
			p.redundant()
			return &operand{}
		}
		inner := p.operand()
		p.expect(")")
		return inner
	}
	return &operand{kind: operandPath, path: p.path()}
}

func (p *parser) valueFunction(name string) *operand {
	update := p.ex.condition == nil && p.ex.update != nil
	var f *operand
	want := 2
	switch name {
	case "size":
		f, want = &operand{kind: operandSize}, 1
	case "if_not_exists":
		f = &operand{kind: operandIfNotExists}
	case "list_append":
		f = &operand{kind: operandListAppend}
	default:
		p.fail(validation("Invalid function name; function: " + name))
		return &operand{}
	}
	if update == (name == "size") {
		p.fail(validation("The function is not allowed in this expression; function: " + name))
	}
	p.pos += 2
	p.operators++
	f.args = p.arguments(name, want)
	if p.err == nil && name == "size" && f.args[0].kind == operandSize {
		p.fail(validation("Incorrect operand type for operator or function; operator or function: size"))
	}
	if p.err == nil && name == "if_not_exists" && f.args[0].kind != operandPath {
		p.fail(validation("Operator or function requires a document path; operator or function: if_not_exists"))
	}
	return f
}

// path parses a document path.
func (p *parser) path() path {
	out := path{p.member()}
	for p.err == nil {
		switch {
		case p.skip("."):
			out = append(out, p.member())
		case p.skip("["):
			t := p.next()
			n, err := strconv.ParseInt(t.text, 10, 32)
			if t.kind != tokenIndex || err != nil || len(t.text) > 1 && t.text[0] == '0' {
				p.unexpected()
				return out
			}
			p.expect("]")
			out = append(out, pathElement{name: -1, index: int(n)})
		default:
			return out
		}
		if len(out) > maxNesting {
			p.fail(validation("The document path has too many nesting elements;"))
		}
	}
	return out
}

func (p *parser) member() pathElement {
	t := p.peek()
	if t.kind != tokenName {
		p.unexpected()
		return pathElement{}
	}
	if t.text[0] != '#' && reservedWords[strings.ToUpper(t.text)] {
		p.fail(validation("Attribute name is a reserved keyword; reserved keyword: " + t.text))
	}
	p.next()
	return pathElement{name: place(&p.ex.names, t.text)}
}

// place returns the index of text in list, appending it if it is new.
func place(list *[]string, text string) int {
	if i := slices.Index(*list, text); i >= 0 {
		return i
	}
	*list = append(*list, text)
	return len(*list) - 1
}
