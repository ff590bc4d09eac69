package clock_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"nexus/localstack/clock"
)

// TestAgenda holds an agenda to a list that is sorted anew after each step.
func TestAgenda(t *testing.T) {
	type planned struct {
		at    time.Time
		n     int
		entry *clock.Entry[int]
	}
	chance := rand.New(rand.NewPCG(1, 2))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	soon := func() time.Time { return now.Add(time.Duration(chance.IntN(5)) * time.Second) }
	var a clock.Agenda[int]
	var list []planned
	for n := range 5000 {
		switch chance.IntN(5) {
		case 0, 1:
			at := soon()
			list = append(list, planned{at, n, a.Add(at, n)})
		case 2:
			if len(list) > 0 {
				i := chance.IntN(len(list))
				list[i].at = soon()
				a.Move(list[i].entry, list[i].at)
			}
		case 3:
			if len(list) > 0 {
				i := chance.IntN(len(list))
				if e := list[i].entry; !a.Remove(e) || a.Remove(e) {
					t.Fatal("an entry is removed once")
				}
				list = slices.Delete(list, i, i+1)
			}
		case 4:
			now = now.Add(time.Second)
			for len(list) > 0 && !list[0].at.After(now) {
				if got, ok := a.Pop(now); !ok || got != list[0].n {
					t.Fatalf("step %d: %d %v, expected %d", n, got, ok, list[0].n)
				}
				if a.Remove(list[0].entry) {
					t.Fatal("removed after it was taken")
				}
				list = list[1:]
			}
			if got, ok := a.Pop(now); ok {
				t.Fatalf("step %d: %d is not due", n, got)
			}
		}
		slices.SortFunc(list, func(x, y planned) int { return cmp.Or(x.at.Compare(y.at), cmp.Compare(x.n, y.n)) })
		next, ok := a.Next()
		if a.Len() != len(list) || ok != (len(list) > 0) || (ok && !next.Equal(list[0].at)) {
			t.Fatalf("step %d: %d, next %v %v, expected %v", n, a.Len(), next, ok, list)
		}
	}
}
