package dynamo

import "sync"

// maxCached bounds the parsed expressions that are kept. A program has a few hundred; beyond that the cache starts afresh.
const maxCached = 4096

// expressionCache keeps parsed expressions by their text.
type expressionCache struct {
	mu     sync.Mutex
	parsed [grammarUpdate + 1]map[string]*expression
}

func (c *expressionCache) parse(g grammar, text string) (*expression, error) {
	c.mu.Lock()
	ex := c.parsed[g][text]
	c.mu.Unlock()
	if ex != nil {
		return ex, nil
	}
	ex, err := parse(g, text)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed[g] == nil || len(c.parsed[g]) >= maxCached {
		c.parsed[g] = make(map[string]*expression)
	}
	c.parsed[g][text] = ex
	return ex, nil
}

// bind parses and binds a parameter; nil stands for one that is not given.
func (e *Engine) bind(parameter string, g grammar, text *string, p *placeholders) (*binding, error) {
	if text == nil {
		return nil, nil
	}
	ex, err := e.cache.parse(g, *text)
	if err != nil {
		return nil, validationf("Invalid %s: %s", parameter, err.(*apiError).message)
	}
	return p.bind(parameter, ex)
}
