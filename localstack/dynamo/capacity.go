package dynamo

// The sizes that units are rounded up to.
const (
	writeUnit = 1 << 10
	readUnit  = 4 << 10
)

// writeUnits is the cost of writing an item of that many bytes.
func writeUnits(size int) float64 { return float64(max(1, (size+writeUnit-1)/writeUnit)) }

// readUnits is the cost of reading that many bytes, strongly or, for half of it, eventually. Reading nothing costs as much as the first byte
// (developer guide, "capacity unit consumption for read operations").
func readUnits(size int, consistent bool) float64 {
	n := float64(max(1, (size+readUnit-1)/readUnit))
	if !consistent {
		n /= 2
	}
	return n
}

// indexCost is the cost of an index write, 0 where the entry does not change: a new entry and a removed one count their size, one that moves
// counts both, one that changes in place the larger.
func indexCost(was, is *entry) float64 {
	switch {
	case was == nil && is == nil:
		return 0
	case was == nil:
		return writeUnits(is.size)
	case is == nil:
		return writeUnits(was.size)
	case was.compare(&is.position) != 0:
		return writeUnits(was.size) + writeUnits(is.size)
	case equalItems(was.item, is.item):
		return 0
	}
	return writeUnits(max(was.size, is.size))
}

// consumed adds up what a request consumed of one table.
type consumed struct {
	table   *table
	base    float64
	indexes []float64 // beside table.indexes; nil where none was touched
}

func (c *consumed) addIndexes(costs []float64) {
	if costs == nil {
		return
	}
	if c.indexes == nil {
		c.indexes = make([]float64, len(c.table.indexes))
	}
	for i, n := range costs {
		c.indexes[i] += n
	}
}

func (c *consumed) total() float64 {
	n := c.base
	for _, x := range c.indexes {
		n += x
	}
	return n
}

// transactional names the unit that transactions report beside the total.
type transactional string

const (
	notTransactional transactional = ""
	readTransaction  transactional = "ReadCapacityUnits"
	writeTransaction transactional = "WriteCapacityUnits"
)

// write appends a ConsumedCapacity structure; mode is TOTAL or INDEXES.
func (c *consumed) write(w *writer, mode string, kind transactional) {
	units := func(n float64) {
		w.key("CapacityUnits")
		w.float(n)
		if kind != notTransactional {
			w.key(string(kind))
			w.float(n)
		}
	}
	w.openObject()
	w.key("TableName")
	w.text(c.table.name)
	units(c.total())
	if mode == "INDEXES" {
		w.key("Table")
		w.openObject()
		units(c.base)
		w.closeObject()
		for _, group := range [...]struct {
			name  string
			local bool
		}{{"LocalSecondaryIndexes", true}, {"GlobalSecondaryIndexes", false}} {
			open := false
			for i, n := range c.indexes {
				if n == 0 || c.table.indexes[i].local != group.local {
					continue
				}
				if !open {
					w.key(group.name)
					w.openObject()
					open = true
				}
				w.key(c.table.indexes[i].name)
				w.openObject()
				units(n)
				w.closeObject()
			}
			if open {
				w.closeObject()
			}
		}
	}
	w.closeObject()
}

// writeConsumed appends the ConsumedCapacity member of an operation on one table, if it was asked for.
func writeConsumed(w *writer, mode string, c *consumed) {
	if mode == "TOTAL" || mode == "INDEXES" {
		w.key("ConsumedCapacity")
		c.write(w, mode, notTransactional)
	}
}

// ledger adds up what a request over several tables consumed.
type ledger []*consumed

func (l *ledger) of(t *table) *consumed {
	for _, c := range *l {
		if c.table == t {
			return c
		}
	}
	c := &consumed{table: t}
	*l = append(*l, c)
	return c
}

func (l ledger) write(w *writer, mode string, kind transactional) {
	if mode != "TOTAL" && mode != "INDEXES" {
		return
	}
	w.key("ConsumedCapacity")
	w.openArray()
	for _, c := range l {
		c.write(w, mode, kind)
	}
	w.closeArray()
}
