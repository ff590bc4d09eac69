package dynamo

import (
	"cmp"
	"slices"
)

// position is where an entry stands: partitions by hash, as AWS lays them out, then in the order of the sort key. An index, whose keys need not
// be unique, goes on with the item's own position in its table.
type position struct {
	hash   uint64
	pk, sk string // encoded so that their byte order is the values' order
	tie    string
}

func (p *position) compare(q *position) int {
	if p.hash != q.hash {
		return cmp.Compare(p.hash, q.hash)
	}
	if c := cmp.Compare(p.pk, q.pk); c != 0 {
		return c
	}
	if c := cmp.Compare(p.sk, q.sk); c != 0 {
		return c
	}
	return cmp.Compare(p.tie, q.tie)
}

// sameKey reports whether both have one partition key and sort key.
func (p *position) sameKey(q *position) bool { return p.hash == q.hash && p.pk == q.pk && p.sk == q.sk }

// hashOf spreads partition keys: FNV-1a with a final mix, since segments and shards go by the high bits.
func hashOf(pk string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(pk) {
		h = (h ^ uint64(pk[i])) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return h
}

// entry is an item of a table, or what an index holds of it. Entries never change; a write replaces them.
type entry struct {
	position
	item item
	size int // bytes, as billed
}

// maxChunk bounds what an insertion moves: pointers within one chunk, and once in a while the list of chunks.
const maxChunk = 512

// tree keeps entries sorted in chunks. It is a B-tree of two levels, which is enough for the millions of items that fit a process.
type tree struct {
	chunks [][]*entry
	count  int
}

// search returns the first entry that is not below a bound: its chunk and its place there. below must be true for a prefix of the entries.
func (t *tree) search(below func(*entry) bool) (int, int) {
	low, high := 0, len(t.chunks) // the chunk is the last whose first entry is below the bound
	for low < high {
		mid := int(uint(low+high) >> 1)
		if below(t.chunks[mid][0]) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 {
		return 0, 0
	}
	chunk := t.chunks[low-1]
	i, j := 1, len(chunk)
	for i < j {
		mid := int(uint(i+j) >> 1)
		if below(chunk[mid]) {
			i = mid + 1
		} else {
			j = mid
		}
	}
	if i == len(chunk) {
		return low, 0
	}
	return low - 1, i
}

func (t *tree) find(p *position) (chunk, i int, found bool) {
	chunk, i = t.search(func(e *entry) bool { return e.compare(p) < 0 })
	return chunk, i, chunk < len(t.chunks) && t.chunks[chunk][i].compare(p) == 0
}

// get returns the entry at p, or nil.
func (t *tree) get(p *position) *entry {
	if chunk, i, ok := t.find(p); ok {
		return t.chunks[chunk][i]
	}
	return nil
}

// put inserts the entry, or replaces the one at its position.
func (t *tree) put(e *entry) {
	c, i, found := t.find(&e.position)
	if found {
		t.chunks[c][i] = e
		return
	}
	t.count++
	if i == 0 && c > 0 { // goes behind the previous chunk, which spares an empty tree a case too
		c--
		i = len(t.chunks[c])
	}
	if len(t.chunks) == 0 {
		t.chunks = append(t.chunks, make([]*entry, 0, 8))
	}
	t.chunks[c] = slices.Insert(t.chunks[c], i, e)
	if n := len(t.chunks[c]); n > maxChunk {
		at := n / 2
		if c == len(t.chunks)-1 && i == n-1 {
			at = n - 1 // rising keys fill their chunks
		}
		right := append(make([]*entry, 0, maxChunk+1), t.chunks[c][at:]...)
		clear(t.chunks[c][at:])
		t.chunks[c] = t.chunks[c][:at]
		t.chunks = slices.Insert(t.chunks, c+1, right)
	}
}

// remove deletes the entry at p if there is one.
func (t *tree) remove(p *position) {
	c, i, found := t.find(p)
	if !found {
		return
	}
	t.count--
	t.chunks[c] = slices.Delete(t.chunks[c], i, i+1)
	if len(t.chunks[c]) == 0 {
		t.chunks = slices.Delete(t.chunks, c, c+1)
	}
}

// walk calls visit for the entries between two bounds, upwards or downwards, until it returns false. Both bounds say of an entry that it is
// below them.
func (t *tree) walk(low, high func(*entry) bool, down bool, visit func(*entry) bool) {
	if !down {
		for c, i := t.search(low); c < len(t.chunks); c, i = c+1, 0 {
			for _, e := range t.chunks[c][i:] {
				if !high(e) || !visit(e) {
					return
				}
			}
		}
		return
	}
	c, i := t.search(high)
	for {
		if i == 0 {
			if c == 0 {
				return
			}
			c--
			i = len(t.chunks[c])
		}
		i--
		if e := t.chunks[c][i]; low(e) || !visit(e) {
			return
		}
	}
}
