package access

// Count is what a count call selects, and how it counts.
type Count struct {
	// List selects the names. Its Skip and Limit are those of the rows that Subprefixes answers; they do not change a number.
	List
	// Subprefixes counts by the label below the prefix (SubPrefix) instead of in one number.
	Subprefixes bool
}
