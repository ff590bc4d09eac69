package clock

import (
	"container/heap"
	"time"
)

// Agenda holds values by when they are due; what is due at the same time is in the order in which it was added. The zero value is empty. It is not
// safe for concurrent use.
type Agenda[T any] struct {
	heap entries[T]
	seq  uint64
}

// Entry is one value's place in an Agenda.
type Entry[T any] struct {
	value T
	at    time.Time
	seq   uint64 // ties of at
	index int    // in the heap, -1 once it has left
}

// Add adds a value.
func (a *Agenda[T]) Add(at time.Time, value T) *Entry[T] {
	a.seq++
	e := &Entry[T]{value: value, at: at, seq: a.seq}
	heap.Push(&a.heap, e)
	return e
}

// Len is how many values there are.
func (a *Agenda[T]) Len() int { return len(a.heap) }

// Next tells when the first value is due; false if there is none.
func (a *Agenda[T]) Next() (time.Time, bool) {
	if len(a.heap) == 0 {
		return time.Time{}, false
	}
	return a.heap[0].at, true
}

// Pop takes out the first value if it is due by now.
func (a *Agenda[T]) Pop(now time.Time) (value T, ok bool) {
	if len(a.heap) == 0 || a.heap[0].at.After(now) {
		return value, false
	}
	return heap.Pop(&a.heap).(*Entry[T]).value, true
}

// Remove takes an entry out. It reports false if it has left before.
func (a *Agenda[T]) Remove(e *Entry[T]) bool {
	if e.index < 0 {
		return false
	}
	heap.Remove(&a.heap, e.index)
	return true
}

// Move changes when an entry, which has not left, is due.
func (a *Agenda[T]) Move(e *Entry[T], at time.Time) {
	e.at = at
	heap.Fix(&a.heap, e.index)
}

// entries is a heap by time, then by order of adding.
type entries[T any] []*Entry[T]

func (h entries[T]) Len() int { return len(h) }
func (h entries[T]) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}
func (h entries[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *entries[T]) Push(x any) {
	e := x.(*Entry[T])
	e.index = len(*h)
	*h = append(*h, e)
}
func (h *entries[T]) Pop() any {
	old := *h
	e := old[len(old)-1]
	e.index = -1
	old[len(old)-1] = nil // so that the array does not hold it
	*h = old[:len(old)-1]
	return e
}
