package lock_test

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// What happens to a lock, as the model sees it.
type kind int

const (
	locking kind = iota
	unlocking
	// dying is the end of a session: at some moment between its death and the bus' knowing it, its locks come free.
	dying
)

// input is what happens, to which lock, by which session.
type input struct {
	kind    kind
	lock    int
	session int
}

// output is how it ended.
type output struct {
	known bool // an answer came
	ok    bool
	fence int64
}

// maxSessions is how many sessions a history may have.
const maxSessions = 1024

// state is a lock and which sessions are known to be dead.
type state struct {
	holder int // 0: nobody
	fence  int64
	dead   [maxSessions / 64]uint64
}

func (s state) isDead(session int) bool { return s.dead[session/64]>>(session%64)&1 == 1 }

// step says whether something may happen to a lock, and what becomes of it.
func (s state) step(in input, out output) (bool, state) {
	free := s.holder == 0 || s.isDead(s.holder)
	switch {
	case in.kind == dying:
		s.dead[in.session/64] |= 1 << (in.session % 64)
		return true, s
	case !out.known && in.kind == locking: // it was granted if it came at the right time; by what fence nobody learned
		if free {
			s.holder = in.session
		}
		return true, s
	case !out.known:
		if s.holder == in.session {
			s.holder = 0
		}
		return true, s
	case in.kind == locking && out.ok:
		granted := free && out.fence > s.fence
		s.holder, s.fence = in.session, out.fence
		return granted, s
	case in.kind == locking:
		return !free, s
	case out.ok:
		held := s.holder == in.session
		s.holder = 0
		return held, s
	}
	return s.holder != in.session, s
}

// model is what the locks must look like from outside: as if everything happened at one moment, and one after another.
func model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return state{} },
		Step: func(s, in, out any) (bool, any) { return s.(state).step(in.(input), out.(output)) },
		// A lock knows nothing of another, but each of every death.
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			var by [][]porcupine.Operation
			for _, o := range history {
				if in := o.Input.(input); in.kind != dying {
					for len(by) <= in.lock {
						by = append(by, nil)
					}
					by[in.lock] = append(by[in.lock], o)
				}
			}
			for n := range by {
				by[n] = append(by[n], deaths(history, by[n])...)
			}
			return by
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%+v %+v", in, out) },
	}
}

// deaths returns, of all that happened, the deaths that matter to what happened to one lock. Of what may be the moment of a death it leaves out
// what makes no difference, for the checker would try it all: nothing is gained by a session that is dead before somebody who was granted its lock
// had asked for it.
func deaths(history, lock []porcupine.Operation) []porcupine.Operation {
	var grants []porcupine.Operation // in the order of their fences
	unsure := map[int]bool{}         // sessions that may have been granted the lock
	for _, o := range lock {
		switch in, out := o.Input.(input), o.Output.(output); {
		case in.kind == locking && out.ok:
			grants = append(grants, o)
		case in.kind == locking && !out.known:
			unsure[in.session] = true
		}
	}
	slices.SortFunc(grants, func(a, b porcupine.Operation) int {
		return cmp.Compare(a.Output.(output).fence, b.Output.(output).fence)
	})
	next := map[int]int64{} // by session, when the grant that follows its last one was asked for
	for n, o := range grants {
		next[o.Input.(input).session] = never
		if n > 0 {
			next[grants[n-1].Input.(input).session] = o.Call
		}
	}
	var all []porcupine.Operation
	for _, o := range history {
		in := o.Input.(input)
		if in.kind != dying {
			continue
		}
		asked, held := next[in.session]
		switch {
		case unsure[in.session]:
			all = append(all, o)
		case held:
			o.Call = max(o.Call, min(asked, o.Return))
			all = append(all, o)
		}
	}
	return all
}

// op is something that happened from one moment to another.
func op(in input, out output, call, done int64) porcupine.Operation {
	return porcupine.Operation{ClientId: in.session, Input: in, Output: out, Call: call, Return: done}
}

// never is the return of what was never answered.
const never = math.MaxInt64

// checked is how long the checker may take for a history.
const checked = 20 * time.Second

// TestModel: the model itself takes the right histories, and only those.
func TestModel(t *testing.T) {
	lock := func(session int, fence, call, done int64) porcupine.Operation {
		return op(input{locking, 0, session}, output{true, fence > 0, fence}, call, done)
	}
	unlock := func(session int, ok bool, call, done int64) porcupine.Operation {
		return op(input{unlocking, 0, session}, output{known: true, ok: ok}, call, done)
	}
	lost := func(kind kind, session int, call int64) porcupine.Operation {
		return op(input{kind, 0, session}, output{}, call, never)
	}
	dies := func(session int, call, done int64) porcupine.Operation {
		return op(input{kind: dying, session: session}, output{}, call, done)
	}
	for name, c := range map[string]struct {
		history []porcupine.Operation
		want    bool
	}{
		"one after another":                   {[]porcupine.Operation{lock(1, 5, 1, 2), unlock(1, true, 3, 4), lock(2, 6, 5, 6)}, true},
		"two hold it":                         {[]porcupine.Operation{lock(1, 5, 1, 2), lock(2, 6, 3, 4)}, false},
		"two hold it, granted at once":        {[]porcupine.Operation{lock(1, 5, 1, 9), lock(2, 6, 1, 9)}, false},
		"a fence comes again":                 {[]porcupine.Operation{lock(1, 5, 1, 2), unlock(1, true, 3, 4), lock(2, 5, 5, 6)}, false},
		"a fence falls":                       {[]porcupine.Operation{lock(1, 5, 1, 2), unlock(1, true, 3, 4), lock(2, 4, 5, 6)}, false},
		"it is refused though free":           {[]porcupine.Operation{lock(1, 5, 1, 2), unlock(1, true, 3, 4), lock(2, 0, 5, 6)}, false},
		"it is refused while another holds":   {[]porcupine.Operation{lock(1, 5, 1, 2), lock(2, 0, 3, 4)}, true},
		"another unlocks it":                  {[]porcupine.Operation{lock(1, 5, 1, 2), unlock(2, true, 3, 4)}, false},
		"its holder cannot unlock it":         {[]porcupine.Operation{lock(1, 5, 1, 2), unlock(1, false, 3, 4)}, false},
		"its holder died":                     {[]porcupine.Operation{lock(1, 5, 1, 2), dies(1, 3, 4), lock(2, 6, 5, 6)}, true},
		"its holder dies meanwhile":           {[]porcupine.Operation{lock(1, 5, 1, 2), dies(1, 3, 8), lock(2, 0, 4, 5), lock(2, 6, 6, 7)}, true},
		"it is taken before its holder dies":  {[]porcupine.Operation{lock(1, 5, 1, 2), dies(1, 5, 6), lock(2, 6, 3, 4)}, false},
		"it is refused after its holder died": {[]porcupine.Operation{lock(1, 5, 1, 2), dies(1, 3, 4), lock(2, 0, 5, 6)}, false},
		"it may have been granted":            {[]porcupine.Operation{lost(locking, 1, 1), lock(2, 0, 3, 4)}, true},
		"it may not have been granted":        {[]porcupine.Operation{lost(locking, 1, 1), lock(2, 5, 3, 4)}, true},
		"it may have been unlocked":           {[]porcupine.Operation{lock(1, 5, 1, 2), lost(unlocking, 1, 3), lock(2, 6, 4, 5)}, true},
		"it may not have been unlocked":       {[]porcupine.Operation{lock(1, 5, 1, 2), lost(unlocking, 1, 3), lock(2, 0, 4, 5)}, true},
	} {
		if got := porcupine.CheckOperationsTimeout(model(), c.history, checked); (got == porcupine.Ok) != c.want || got == porcupine.Unknown {
			t.Errorf("%s: %s", name, got)
		}
	}
}
