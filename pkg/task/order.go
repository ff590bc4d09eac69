package task

import (
	"cmp"
	"maps"
	"slices"
)

// sortedNames returns a map's keys in order, so that what is made from it is always the same.
func sortedNames[M ~map[string]V, V any](m M) []string { return slices.Sorted(maps.Keys(m)) }

func sortItems(items []*item) {
	slices.SortFunc(items, func(a, b *item) int { return cmp.Or(cmp.Compare(a.key[0], b.key[0]), cmp.Compare(a.key[1], b.key[1])) })
}
