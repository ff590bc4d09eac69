package user

import (
	"regexp"
	"sync"

	"nexus/pkg/access"
)

// keptExpressions is how many compiled expressions an execution environment keeps for the next login; compiling is most of what one with lists takes.
const keptExpressions = 512

// expressions keeps what expressions of white and black lists compile to. It is safe for concurrent use; its zero value is empty.
type expressions struct {
	mu   sync.Mutex
	kept map[string]*regexp.Regexp
}

// compile is access.CompileExpression, once for each expression that is kept. Full, it is emptied.
func (e *expressions) compile(expr string) (*regexp.Regexp, error) {
	e.mu.Lock()
	re := e.kept[expr]
	e.mu.Unlock()
	if re != nil {
		return re, nil
	}
	re, err := access.CompileExpression(expr)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.kept == nil || len(e.kept) >= keptExpressions {
		e.kept = map[string]*regexp.Regexp{}
	}
	e.kept[expr] = re
	return re, nil
}
