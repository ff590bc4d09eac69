package access

import "regexp"

// CompileAddress compiles an entry of a user's whitelist or blacklist: an RE2 expression, matched anywhere in a remote
// address without port (172.17.* is one). Its error is fit for a client.
func CompileAddress(expr string) (*regexp.Regexp, error) { return compile(expr) }

// Refused says whether a login from addr, a remote address without port, is refused: it matches the blacklist and not
// the whitelist. An expression that does not compile, left from another version, matches nothing.
func Refused(addr string, whitelist, blacklist []string) bool {
	return matchesAny(addr, blacklist) && !matchesAny(addr, whitelist)
}

func matchesAny(addr string, exprs []string) bool {
	for _, expr := range exprs {
		if re, err := CompileAddress(expr); err == nil && re.MatchString(addr) {
			return true
		}
	}
	return false
}
