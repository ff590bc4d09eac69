package sim

import (
	"encoding/json"
	"slices"
	"strings"

	"nexus/pkg/access"
)

// checkRights: nobody gains a right that no administrator gave. What only administrators may do is refused to all others; who logs in has no tags but
// those that administrators set, and is one of the users that they made; no user has other tags; and a login's task is ended by its worker alone.
func (h *history) checkRights() {
	for _, k := range h.calls {
		if k.grabs && k.got() == "result" {
			h.failf("rights: %s was let do it", k)
		}
	}
	for _, c := range h.clients {
		if !c.role.logsIn() {
			continue
		}
		for _, s := range h.sessionTrace[c.connid] {
			if s.user != nobody && !slices.Contains(userNames[:], s.user) {
				h.failf("rights: the session of %s is %s's", c, s.user)
			}
			h.checkGiven("the session of "+c.String(), s.tags)
		}
	}
	for _, user := range userNames {
		for _, s := range h.userTrace[user] {
			h.checkGiven("the user "+user, s.tags)
		}
	}
	if len(h.userTrace["eve"]) > 0 {
		h.failf("rights: somebody without the right made a user")
	}
	for _, l := range h.trace.order {
		if l.path() == methodPath {
			h.checkVouching(l)
		}
	}
}

const nobody = "nobody"

// checkListings: a listing shows each thing once, and user.list all users that were there before what is read eventually may be old, and are not deleted.
func (h *history) checkListings() {
	for _, k := range h.calls {
		if !slices.Contains(listings[:], k.method) || k.got() != "result" || !strings.HasSuffix(k.method, ".list") {
			continue
		}
		var rows []struct{ User, ID, Topic string }
		if err := json.Unmarshal(k.posts[0].answer().Result, &rows); err != nil {
			h.failf("listings: %s got %s", k, brief(k.posts[0].text))
			continue
		}
		shown := map[string]bool{}
		for _, r := range rows {
			name := r.User + r.ID + r.Topic
			if shown[name] {
				h.failf("listings: %s shows %s twice", k, name)
			}
			shown[name] = true
		}
		for _, user := range userNames {
			if s := h.userTrace[user]; k.method == "user.list" && len(s) > 0 && s[0].at.Add(oldest).Before(k.at) && !shown[user] {
				h.failf("listings: %s does not show %s", k, user)
			}
		}
	}
}

// checkGiven holds tags to what administrators set.
func (h *history) checkGiven(whose, text string) {
	if text == "" {
		return
	}
	tags, err := access.ParseTags([]byte(text))
	if err != nil {
		h.failf("rights: tags of %s: %v", whose, err)
	}
	for prefix, set := range tags {
		for key := range set {
			if prefix != probed || key != "@"+probeTag && !strings.HasPrefix(key, "t") {
				h.failf("rights: %s has %s on %s", whose, key, prefix)
			}
		}
	}
}

// checkVouching: of a login's task it is the worker that has it, while it works on it, who ends it or gives it back; the bus does where time, ttl or a
// session ended.
func (h *history) checkVouching(l *life) {
	before := &snap{}
	for _, s := range l.snaps {
		by := ""
		switch {
		case s.done() && !before.done():
			by = s.fin
		case s.waits() && before.works():
			by = s.ret
		}
		if k := h.byRequest[by]; by != "" && k != nil && before.task() && (!before.works() || before.worker != k.client.connid) {
			h.failf("rights: %s ended %s, which was %s of %s", k, l.taskid(), before.state, h.by(before.worker))
		}
		before = s
	}
}

// voucher returns the call that ended a login's task, and whom it logs in; nil if none did.
func (h *history) voucher(login *call) (k *call, user string) {
	l := h.tasks[login.request]
	if l == nil {
		return nil, ""
	}
	for _, s := range l.snaps {
		if s.done() {
			if k = h.byRequest[s.fin]; k != nil {
				user = k.vouches
			}
			return k, user
		}
	}
	return nil, ""
}
