package dynamo

import (
	"slices"
	"strings"
)

// sections parses an update expression.
func (p *parser) sections() {
	p.ex.update = []assignment{}
	var seen []string
	for p.err == nil && p.peek().kind != tokenEnd {
		section := strings.ToUpper(p.peek().text)
		if p.peek().kind != tokenName || !slices.Contains([]string{"SET", "REMOVE", "ADD", "DELETE"}, section) {
			p.unexpected()
			return
		}
		if slices.Contains(seen, section) {
			p.fail(validationf("The %q section can only be used once in an update expression;", section))
			return
		}
		seen = append(seen, section)
		p.pos++
		for ok := true; ok; ok = p.skip(",") {
			p.ex.update = append(p.ex.update, p.assignment(section))
		}
	}
}

func (p *parser) assignment(section string) assignment {
	p.operators++
	a := assignment{section: section, target: p.path()}
	switch section {
	case "SET":
		p.expect("=")
		a.value = p.arithmetic()
	case "ADD", "DELETE":
		t := p.next()
		if t.kind != tokenValue {
			if t.kind != tokenEnd {
				p.pos--
			}
			p.unexpected()
			return a
		}
		a.value = &operand{kind: operandValue, value: place(&p.ex.values, t.text)}
	}
	return a
}

// arithmetic parses operand, operand + operand or operand - operand. All of it, or each operand, may stand in parentheses.
func (p *parser) arithmetic() *operand {
	left := p.term()
	for _, op := range [...]struct {
		symbol string
		kind   operandKind
	}{{"+", operandPlus}, {"-", operandMinus}} {
		if !p.peek().is(op.symbol) {
			continue
		}
		if left.kind == operandPlus || left.kind == operandMinus {
			p.unexpected()
			return left
		}
		p.pos++
		p.operators++
		return &operand{kind: op.kind, args: []*operand{left, p.operand()}}
	}
	return left
}

func (p *parser) term() *operand {
	if !p.skip("(") {
		return p.operand()
	}
	if p.peek().is("(") {
		p.redundant()
		return &operand{}
	}
	inner := p.arithmetic()
	p.expect(")")
	return inner
}
