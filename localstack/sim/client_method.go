package sim

import "strings"

// Login methods: who sees to users also serves one, as their worker; the others log in by it. And all try what they have no right to.

// loginMethod is the method that is served, methodPath the path of its tasks.
const (
	loginMethod = "ldap"
	methodPath  = "sys.login." + loginMethod + "."
)

// vouched is what a task.result of a login method's task says: whom it logs in.
func vouchedFor(user string) map[string]any { return map[string]any{"user": user} }

// serve has a client wait for logins.
func (c *client) serve() {
	if c.pulls >= c.role.atOnce {
		return
	}
	p := &pull{path: methodPath, timeout: c.w.timeout()}
	params := map[string]any{"prefix": strings.TrimSuffix(p.path, ".")}
	if p.timeout > 0 {
		params["timeout"] = p.timeout.Seconds()
	}
	c.pulls++
	c.sendWith("task.pull", params, func(k *call) { k.pull = p })
}

// logInBy logs in by the method that is served, if somebody does.
func (c *client) logInBy() {
	c.entries++
	c.sendWith("sys.login", map[string]any{"method": loginMethod, "user": "whoever"}, func(k *call) { k.login = &login{method: true} })
}

// isLogin tells whether a taskid is of a login method's task.
func isLogin(taskid string) bool { return strings.HasSuffix(taskid, "-"+methodPath) }

// grab tries what only an administrator may do.
func (c *client) grab() {
	w := c.w
	all := map[string]any{"@admin": true}
	user := userNames[w.rng.IntN(len(userNames))]
	try := func(method string, params map[string]any) {
		c.sendWith(method, params, func(k *call) { k.grabs = true })
	}
	switch w.rng.IntN(8) {
	case 0:
		try("user.setTags", map[string]any{"user": user, "prefix": ".", "tags": all})
	case 1:
		try("user.create", map[string]any{"user": "eve", "pass": userPass})
	case 2:
		try("user.setPass", map[string]any{"user": "root", "pass": userPass})
	case 3:
		try("sys.session.kick", map[string]any{"all": true})
	case 4:
		try("user.addTemplate", map[string]any{"user": user, "template": "root"})
	case 5:
		try("task.pull", map[string]any{"prefix": strings.TrimSuffix(methodPath, ".")})
	default: // a task of which it has heard somewhere
		if taskid := w.anyTask(); isLogin(taskid) {
			how := w.rng.IntN(4)
			switch how {
			case 0:
				c.sendWith("task.cancel", map[string]any{"taskid": taskid}, func(k *call) { k.grabs, k.taskid = true, taskid })
			case 1:
				c.sendWith("task.reject", map[string]any{"taskid": taskid}, func(k *call) { k.grabs, k.taskid = true, taskid })
			default:
				c.sendWith("task.result", map[string]any{"taskid": taskid, "result": vouchedFor("root")},
					func(k *call) { k.grabs, k.taskid, k.vouches = true, taskid, "root" })
			}
		}
	}
}
