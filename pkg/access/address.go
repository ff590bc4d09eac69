package access

import "regexp"

// Refused says whether a login from addr, a remote address without port, is refused: it matches the blacklist and not
// the whitelist, expressions that are matched anywhere in the address (172.17.* is one). compile is CompileExpression, or
// remembers what that returned. An expression that does not compile, left from another version, matches nothing.
func Refused(addr string, whitelist, blacklist []string, compile func(string) (*regexp.Regexp, error)) bool {
	matches := func(exprs []string) bool {
		for _, expr := range exprs {
			if re, err := compile(expr); err == nil && re.MatchString(addr) {
				return true
			}
		}
		return false
	}
	return matches(blacklist) && !matches(whitelist)
}
