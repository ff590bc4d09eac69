package harness

import (
	"encoding/json"
	"slices"
	"strings"
)

// Try takes an error that must not be.
func (h *Harness) Try(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Error(err)
	}
}

// Same checks that two lists have the same elements, in any order.
func (h *Harness) Same(what string, got, want []string) {
	h.t.Helper()
	h.InOrder(what, slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
}

// InOrder checks that two lists are the same.
func (h *Harness) InOrder(what string, got, want []string) {
	h.t.Helper()
	if !slices.Equal(got, want) {
		h.t.Errorf("%s\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// InVain has requests arrive that Stray held back: they must change nothing in a table.
func (h *Harness) InVain(table string, arrive func()) {
	h.t.Helper()
	before := h.printed(table)
	arrive()
	h.InOrder("what came late made it", h.printed(table), before)
}

func (h *Harness) printed(table string) (items []string) {
	h.t.Helper()
	for _, i := range h.Table(table) {
		text, err := json.Marshal(i)
		h.Try(err)
		items = append(items, string(text))
	}
	return items
}
