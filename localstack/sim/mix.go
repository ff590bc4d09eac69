package sim

import "strings"

// family is a family of calls.
type family int

const (
	tasks family = iota
	pipes
	locks
	logins
	topics
	families
)

// newMix draws which families a run is of: many are of tasks alone.
func (w *world) newMix() []family {
	switch n := w.rng.IntN(10); {
	case n < 4:
		return []family{tasks}
	case n < 7:
		return []family{tasks + 1 + family(w.rng.IntN(int(families)-1))}
	}
	var mix []family
	for f := range families {
		if w.rng.IntN(2) == 0 {
			mix = append(mix, f)
		}
	}
	if len(mix) == 0 {
		mix = []family{tasks, pipes}
	}
	return mix
}

func (f family) String() string {
	return [...]string{"tasks", "pipes", "locks", "logins", "topics"}[f]
}

// familiesOf names the families of a run.
func familiesOf(mix []family) string {
	names := make([]string, len(mix))
	for n, f := range mix {
		names[n] = f.String()
	}
	return strings.Join(names, ", ")
}
