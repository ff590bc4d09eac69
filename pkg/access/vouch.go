package access

// LoginMethods is what the tasks of login methods are under: those of method M are on the path sys.login.M. Who pulls them says who is logged in.
const LoginMethods = "sys.login"

// MayVouch reports whether tags allow task.pull on a path under LoginMethods. Who may is as mighty as whoever he may vouch for, so that @task.pull on
// a shorter prefix, which allows the pulls of all other paths, does not suffice: it takes @admin in force on the path, or @task.pull in force that is
// also given on LoginMethods or below it.
func (t Tags) MayVouch(path string) bool {
	const pull, admin = "@task.pull", "@admin"
	return t.grants(admin, path) || t.grants(pull, path) && t.under(LoginMethods).grants(pull, path)
}

// grants reports whether one tag in force on a name has the value true, or a number other than zero.
func (t Tags) grants(tag, name string) bool {
	raw, ok := t.inForce(tag, name)
	return ok && truth(raw) == yes
}

// under is the tags on a prefix and below it.
func (t Tags) under(prefix string) Tags {
	out := Tags{}
	for p, set := range t {
		if Covers(prefix, p) {
			out[p] = set
		}
	}
	return out
}
