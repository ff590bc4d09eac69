package access

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds in bytes, both ends included, of the canonical name.
const (
	MinUserName = 3
	MinPassword = 4
	MaxPassword = 500
	MaxName     = 500 // of every name, user names too; a trailing dot is not counted
)

// The reasons for which a name is refused, as clients read them.
var (
	errEmpty         = errors.New("empty")
	errEmptyLabel    = errors.New("empty label")
	errSpace         = errors.New("holds white space")
	errAt            = errors.New("starts with @")
	errNotUTF8       = errors.New("not UTF-8")
	errLong          = errors.New("over 500 bytes")
	errShortUser     = errors.New("under 3 bytes")
	errTwoUsers      = errors.New("holds >")
	errShortPassword = errors.New("under 4 bytes")
)

// UserName is the canonical user name of s: 3 to 500 bytes, without >, which stands between two names in sys.login.
func UserName(s string) (string, error) {
	name, err := canonical(s)
	switch {
	case err == nil && len(name) < MinUserName || err == errEmpty:
		return "", errShortUser
	case strings.Contains(name, ">"):
		return "", errTwoUsers
	}
	return name, err
}

// Password says what is wrong with s as a password: it has 4 to 500 bytes, any bytes, and keeps its case.
func Password(s string) error {
	switch {
	case len(s) < MinPassword:
		return errShortPassword
	case len(s) > MaxPassword:
		return errLong
	}
	return nil
}

// TaskMethod splits the method of a push into path and method: "a.b.c" is "c" on path "a.b.", "single" is "single" on
// path ".". path+method is the canonical name again, but for the path ".".
func TaskMethod(s string) (path, method string, err error) {
	name, err := canonical(s)
	if err != nil {
		return "", "", err
	}
	if name[0] == '@' {
		return "", "", errAt
	}
	if dot := strings.LastIndexByte(name, '.'); dot >= 0 {
		return name[:dot+1], name[dot+1:], nil
	}
	return ".", name, nil
}

// TaskPrefix is the path that a pull on s takes tasks from: "a.b." for "a.b" and "a.b.", "." for "." and "".
func TaskPrefix(s string) (path string, err error) {
	if s == "" || s == "." {
		return ".", nil
	}
	name, err := canonical(strings.TrimSuffix(s, "."))
	if err != nil {
		return "", err
	}
	if name[0] == '@' {
		return "", errAt
	}
	return name + ".", nil
}

// ListPrefix is the canonical prefix of a list or count call, without trailing dots, which do not count; "" covers
// everything.
func ListPrefix(s string) (string, error) {
	s = strings.TrimRight(s, ".")
	if s == "" {
		return "", nil
	}
	return canonical(s)
}

// TagPrefix is the canonical prefix that tags are kept under, which may be given as a path: "a.b." is "a.b". "." is the root, and "" what listing
// everything is on.
func TagPrefix(s string) (string, error) {
	if s == "." || s == "" {
		return s, nil
	}
	return canonical(strings.TrimSuffix(s, "."))
}

// Topic is the canonical topic of s. A "*" is a label like others here: what it matches is the topics' affair.
func Topic(s string) (string, error) { return canonical(s) }

// Lock is the canonical lock name of s.
func Lock(s string) (string, error) { return canonical(s) }

// canonical lower-cases s and refuses what no name may be.
func canonical(s string) (string, error) {
	if s == "" {
		return "", errEmpty
	}
	// Lower-casing would turn different invalid bytes into one replacement rune, and so different names into one.
	if !utf8.ValidString(s) {
		return "", errNotUTF8
	}
	name := strings.ToLower(s)
	switch {
	case len(name) > MaxName:
		return "", errLong
	case strings.ContainsFunc(name, unicode.IsSpace):
		return "", errSpace
	case name[0] == '.' || name[len(name)-1] == '.' || strings.Contains(name, ".."):
		return "", errEmptyLabel
	}
	return name, nil
}
