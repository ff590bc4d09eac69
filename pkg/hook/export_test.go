package hook

// What tests look at from outside.
const (
	Most    = most
	Longest = longest
)
