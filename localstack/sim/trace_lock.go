package sim

import "time"

// lockSnap is a lock after a write to it. The names are those of pkg/lock's items.
type lockSnap struct {
	at        time.Time
	inv       *invocation
	owner     string // connid of the session that holds it, empty if none does
	fence     int64
	by, freed string // requests of the last grant and the last unlock
}

// lockLife is a lock's snaps, oldest first. Locks are not deleted in the time of a run.
type lockLife struct {
	name  string
	snaps []*lockSnap
}

// granted tells whether a snap is the first of a grant.
func (l *lockLife) granted(n int) bool {
	return l.snaps[n].owner != "" && (n == 0 || l.snaps[n-1].owner != l.snaps[n].owner || l.snaps[n-1].fence != l.snaps[n].fence)
}

// freed tells whether a snap is the first after an unlock.
func (l *lockLife) freed(n int) bool {
	return n > 0 && l.snaps[n].owner == "" && l.snaps[n-1].owner != ""
}

// lockWritten takes a snap of a lock.
func (w *world) lockWritten(r *request, key itemKey, i rawItem) {
	s := &lockSnap{at: time.Now(), inv: r.inv, owner: i["owner"].S, fence: i.int("fence"), by: i["by"].S, freed: i["freed"].S}
	l := w.lockTrace[key[0]]
	if l == nil {
		l = &lockLife{name: key[0]}
		w.lockTrace[key[0]] = l
		w.lockOrder = append(w.lockOrder, l)
	}
	l.snaps = append(l.snaps, s)
	w.logf("lock %s: %s fence %d by %s freed %s", l.name, s.owner, s.fence, s.by, s.freed)
}
