package topic

// RowOf is rowOf, for tests.
func RowOf(publisher string) string { return rowOf(publisher) }
