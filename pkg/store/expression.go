package store

import (
	"regexp"
	"slices"
	"sync"
)

var placeholder = regexp.MustCompile(`#[A-Za-z0-9_]+`)

// names caches, by the text of an expression, the attribute names it uses. Expressions are constants of the program, but for the few that carry
// a generated map key and go by their own names.
type names struct{ byText sync.Map }

// of returns the names map for some expressions: each #name stands for the attribute name, unless own says otherwise.
func (n *names) of(own map[string]string, expressions ...string) map[string]string {
	out := make(map[string]string, 16)
	for _, text := range expressions {
		if text == "" {
			continue
		}
		for _, p := range n.placeholders(text) {
			if name, ok := own[p]; ok {
				out[p] = name
			} else {
				out[p] = p[1:]
			}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

func (n *names) placeholders(text string) []string {
	if found, ok := n.byText.Load(text); ok {
		return found.([]string)
	}
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	found = slices.Compact(found)
	n.byText.Store(text, found)
	return found
}
