package access

import (
	"errors"
	"regexp"
	"regexp/syntax"
)

// Bounds of an expression, RE2's as all are. The one keeps cheap what compiling takes, which its author may make a thousand times what he wrote; the other
// what matching takes, which is up to so many steps a byte of a name.
const (
	MaxExpression   = 256 // bytes
	maxInstructions = 500 // of the compiled program
)

// CheckExpression says why an expression is refused at sight, before anything is made of it. Its error is fit for a client.
func CheckExpression(expr string) error {
	if len(expr) > MaxExpression {
		return errors.New("over 256 bytes")
	}
	return nil
}

// CompileExpression compiles an expression that is matched anywhere in a name or address. Its error is fit for a client: of regexp's it keeps the reason and
// leaves the expression out.
func CompileExpression(expr string) (*regexp.Regexp, error) {
	if err := CheckExpression(expr); err != nil {
		return nil, err
	}
	parsed, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		if se, ok := errors.AsType[*syntax.Error](err); ok {
			return nil, errors.New("does not compile: " + se.Code.String())
		}
		return nil, errNoExpression
	}
	program, err := syntax.Compile(parsed.Simplify())
	switch {
	case err != nil:
		return nil, errNoExpression
	case len(program.Inst) > maxInstructions:
		return nil, errors.New("does not compile: too large")
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, errNoExpression
	}
	return re, nil
}

var errNoExpression = errors.New("does not compile")
