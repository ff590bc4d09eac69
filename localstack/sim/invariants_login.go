package sim

import (
	"encoding/json"
	"slices"
	"time"

	"nexus/pkg/access"
)

// checkLogins: the permissions of a session are those of its last login or reload, and a login or reload gives those that the user has. That it has
// them is said of the time while the handler ran; but never does a session of the same user get older ones than it had.
func (h *history) checkLogins() {
	for _, c := range h.clients {
		if !c.role.logsIn() {
			continue
		}
		before := &sessionSnap{}
		since := 0 // the first version of its user's tags that it may have
		for n, s := range h.sessionTrace[c.connid] {
			if n > 0 && (s.user != before.user || s.tags != before.tags || s.stamp != before.stamp) {
				if s.user != before.user {
					since = 0
				}
				since = h.checkEntry(c, before, s, since)
			}
			before = s
		}
	}
	for _, k := range h.calls {
		if len(k.posts) == 0 {
			continue
		}
		switch {
		case k.login != nil:
			h.checkLogin(k)
		case k.method == "sys.reload" && k.got() == "result":
			if !slices.ContainsFunc(h.sessionTrace[k.client.connid], func(s *sessionSnap) bool { return s.req == k.request && !s.at.After(k.posts[0].at) }) {
				h.failf("logins: %s was told ok, but reloaded nothing", k)
			}
		case k.probes:
			h.checkProbe(k)
		}
	}
	h.checkTags()
}

// checkEntry: what changed a session's user and tags is a login or reload, with what the user had while it ran, and not one that was answered when
// another had begun since. Versions of the user's tags before since are too old. It returns which are too old from then on.
func (h *history) checkEntry(c *client, before, s *sessionSnap, since int) int {
	k := h.byRequest[s.req]
	user := before.user
	switch {
	case k == nil && s.inv != nil && s.inv.call == nil: // the rest of a sys.session.reload
	case k == nil:
		h.failf("logins: the session of %s became %s %s by nobody's call", c, s.user, s.tags)
		return since
	case k.method == "sys.login" && k.client == c && k.login.method:
		if by, whom := h.voucher(k); by == nil || whom != s.user {
			h.failf("logins: %s made the session of %s that of %s, for whom %s vouched", k, c, s.user, by)
		}
		user = s.user
	case k.method == "sys.login" && k.client == c && k.login.good:
		user = k.login.user
	case k.method == "sys.reload" && k.client == c:
	case k.method == "sys.session.reload" && k.other == c:
	default:
		h.failf("logins: the session of %s became %s %s by %s", c, s.user, s.tags, k)
		return since
	}
	first, last := h.versions(user, s.tags, s.inv.began, s.at)
	if s.user != user || last < since {
		h.failf("logins: %s made the session of %s that of %s with %s, which %s did not have any more", k, c, s.user, s.tags, user)
	}
	if then := h.byRequest[before.req]; k != nil && then != nil && then != k && len(k.posts) > 0 && k.got() != internalError && answered(k, then.at) {
		h.failf("logins: %s, answered at %v, changed the session of %s after %s", k, k.posts[0].at.Sub(h.began), c, then)
	}
	return max(since, first)
}

// versions returns the first and the last of the versions of a user that were in force between two times and had some tags; -1 if none had.
func (h *history) versions(user, tags string, from, to time.Time) (first, last int) {
	first, last = -1, -1
	snaps := h.userTrace[user]
	for n, s := range snaps {
		if s.at.After(to) || !s.there || s.tags != tags || n+1 < len(snaps) && !snaps[n+1].at.After(from) {
			continue
		}
		if last = n; first < 0 {
			first = n
		}
	}
	return first, last
}

// checkLogin: who is told ok was logged in, with the tags that it is told; who was refused was not. (A login whose response was lost, and which
// another then undid, is carried out once more.)
func (h *history) checkLogin(k *call) {
	var in *sessionSnap
	for _, s := range h.sessionTrace[k.client.connid] {
		if s.req == k.request && (in == nil || !s.at.After(k.posts[0].at)) {
			in = s
		}
	}
	a := k.posts[0].answer()
	var told struct {
		User string
		Tags json.RawMessage
	}
	switch {
	case a.Error == nil && (json.Unmarshal(a.Result, &told) != nil || in == nil || in.at.After(k.posts[0].at) || told.User != in.user || string(told.Tags) != in.tags):
		h.failf("logins: %s was told %s, but its session was not made so", k, brief(k.posts[0].text))
	case k.got() == forbidden && in != nil:
		h.failf("logins: %s was refused and is logged in", k)
	case k.got() == forbidden && k.login.good && len(h.userTrace[k.login.user]) > 0 && h.userTrace[k.login.user][0].at.Before(k.at):
		h.failf("logins: %s was refused", k)
	}
}

// checkProbe: a call that needs a tag is refused or not by the tags that its session had while it ran.
func (h *history) checkProbe(k *call) {
	got := k.got()
	if got == internalError || got == sessionEnded && !k.client.sessionEnded.IsZero() {
		return
	}
	var might []bool
	now := &sessionSnap{tags: "{}"}
	allows := func() {
		tags, err := access.ParseTags([]byte(now.tags))
		if err != nil {
			h.failf("logins: tags of %s: %v", k.client, err)
		}
		might = append(might, tags.Allows(probeTag, probe))
	}
	for _, s := range h.sessionTrace[k.client.connid] {
		if s.at.After(k.posts[0].at) {
			break
		}
		if s.at.After(k.at) {
			allows()
		}
		now = s
	}
	if allows(); !slices.Contains(might, got != forbidden) {
		h.failf("logins: %s was told %s, but its session's tags are %s", k, got, now.tags)
	}
}

// checkTags: what user.setTags was told to have set is there unless a later user.delTags may have taken it.
func (h *history) checkTags() {
	for _, k := range h.calls {
		if k.tagging == nil || k.got() != "result" {
			continue
		}
		snaps := h.userTrace[k.tagging.user]
		tags, err := access.ParseTags([]byte(snaps[len(snaps)-1].tags))
		if err != nil {
			h.failf("logins: tags of %s: %v", k.tagging.user, err)
			continue
		}
		_, there := tags[probed][k.tagging.key]
		deleted := slices.ContainsFunc(h.calls, func(d *call) bool { return d.method == "user.delTags" && d.tagging.key == k.tagging.key })
		switch {
		case k.method == "user.setTags" && !there && !deleted:
			h.failf("logins: what %s set is lost", k)
		case k.method == "user.delTags" && there:
			h.failf("logins: what %s took is there", k)
		}
	}
}

// checkKicks: who was told that a session was ended finds it so.
func (h *history) checkKicks() {
	for _, k := range h.calls {
		if k.method != "sys.session.kick" || k.got() != "result" {
			continue
		}
		var told struct{ Kicked int }
		if json.Unmarshal(k.posts[0].answer().Result, &told) != nil || told.Kicked > 1 {
			h.failf("kicks: %s was told %s", k, brief(k.posts[0].text))
		}
		if told.Kicked == 1 && k.other != k.client && !h.hasty && !k.other.endKnown(k.posts[0].at) {
			h.failf("kicks: %s was told that the session of %s is ended", k, k.other)
		}
	}
}
