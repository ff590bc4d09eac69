package dynamo

import (
	"math/bits"
	"slices"
)

// maxPage is how many bytes of items a Query or Scan reads before it stops, unless Config.Page says otherwise.
const maxPage = 1 << 20

// query is a Query or, without a key condition, a Scan.
type query struct {
	scan          bool
	table, index  string
	keyCondition  *string
	filter        *string
	projection    *string
	selected      string
	limit         int // 0 for none
	start         item
	consistent    bool
	backward      bool
	segment       int // -1 for none
	totalSegments int // 0 for none
	capacity      string
	placeholders
}

func (q *query) field(r *reader, name string) bool {
	switch {
	case name == "TableName":
		q.table = r.text()
	case name == "IndexName":
		q.index = r.text()
	case name == "KeyConditionExpression" && !q.scan:
		q.keyCondition = r.optional()
	case name == "FilterExpression":
		q.filter = r.optional()
	case name == "ProjectionExpression":
		q.projection = r.optional()
	case name == "Select":
		q.selected = r.oneOf("select", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT")
	case name == "Limit":
		if q.limit = r.int(); q.limit < 1 {
			r.fail(validation("1 validation error detected: Value at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1"))
		}
	case name == "ExclusiveStartKey":
		q.start = r.item()
	case name == "ConsistentRead":
		q.consistent = r.bool()
	case name == "ScanIndexForward" && !q.scan:
		q.backward = !r.bool()
	case name == "Segment" && q.scan:
		q.segment = r.int()
	case name == "TotalSegments" && q.scan:
		if q.totalSegments = r.int(); q.totalSegments < 1 || q.totalSegments > 1e6 {
			r.fail(validation("1 validation error detected: Value at 'totalSegments' failed to satisfy constraint: Member must be in 1..1000000"))
		}
	case name == "ReturnConsumedCapacity":
		q.capacity = r.capacityMode()
	default:
		return q.placeholders.field(r, name)
	}
	return true
}

// page is what a Query or Scan read.
type page struct {
	items   []item
	count   int
	scanned int
	size    int     // bytes read of the table or index
	fetched float64 // units of items that a local index had to fetch from its table
	last    *entry  // where it stopped, nil at the end
}

func runQuery(e *Engine, body []byte) ([]byte, error) { return (&query{segment: -1}).run(e, body) }
func runScan(e *Engine, body []byte) ([]byte, error) {
	return (&query{segment: -1, scan: true}).run(e, body)
}

func (q *query) run(e *Engine, body []byte) ([]byte, error) {
	r := &reader{buf: body}
	r.request(func(name string) bool { return q.field(r, name) })
	if err := r.end(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	s, p, err := q.read(e)
	e.unlock()
	if err != nil {
		return nil, err
	}
	out := &writer{buf: make([]byte, 0, 256+p.size)}
	out.openObject()
	if q.selected != "COUNT" {
		out.key("Items")
		out.openArray()
		for _, it := range p.items {
			out.item(it)
		}
		out.closeArray()
	}
	out.key("Count")
	out.int(p.count)
	out.key("ScannedCount")
	out.int(p.scanned)
	if p.last != nil {
		out.key("LastEvaluatedKey")
		out.item(p.last.item.only(s.startKeys))
	}
	writeConsumed(out, q.capacity, s.cost(q, p))
	out.closeObject()
	return out.buf, nil
}

// source is what a query reads, with its expressions bound.
type source struct {
	table      *table
	at         int    // the index's place in table.indexes, -1 for the table itself
	index      *index // nil for the table itself
	schema     *schema
	startKeys  []string // the attributes of a start key, sorted
	keys       *keyRange
	filter     *binding
	projection *binding
	fetch      bool // a local index that must fetch its items from the table
	start      *position
}

// read checks the query and reads a page, under the lock.
func (q *query) read(e *Engine) (*source, *page, error) {
	s, err := q.bind(e)
	if err != nil {
		return nil, nil, err
	}
	v := e.view(s.table, q.consistent)
	t := &v.items
	if s.index != nil {
		t = &v.indexes[s.at]
	}
	low, high := q.bounds(s)
	p := &page{}
	var previous *entry
	t.walk(low, high, q.backward, func(x *entry) bool {
		if p.size >= e.config.Page {
			p.last = previous
			return false
		}
		previous = x
		p.scanned++
		p.size += x.size
		it := x.item
		if s.fetch {
			base := v.items.get(s.base(it))
			it = base.item
			p.fetched += readUnits(base.size, q.consistent)
		}
		if s.filter == nil || s.filter.holds(it, s.filter.condition) {
			p.count++
			if q.selected != "COUNT" {
				if s.projection != nil {
					it = s.projection.project(it, s.projection.paths)
				}
				p.items = append(p.items, it)
			}
		}
		if p.scanned == q.limit {
			p.last = x
		}
		return p.last == nil
	})
	return s, p, nil
}

// base is where the item of an index entry stands in its table.
func (s *source) base(it item) *position {
	p := s.table.locate(it)
	return &p
}

// bounds are the two ends of what is to be read, as tree.walk takes them.
func (q *query) bounds(s *source) (low, high func(*entry) bool) {
	switch {
	case s.keys != nil:
		low, high = s.keys.below, s.keys.notAbove
	case q.totalSegments > 0:
		segment := func(x *entry) int {
			n, _ := bits.Mul64(x.hash, uint64(q.totalSegments))
			return int(n)
		}
		low = func(x *entry) bool { return segment(x) < q.segment }
		high = func(x *entry) bool { return segment(x) <= q.segment }
	default:
		low, high = func(*entry) bool { return false }, func(*entry) bool { return true }
	}
	if start := s.start; start != nil {
		if q.backward {
			inner := high
			high = func(x *entry) bool { return x.compare(start) < 0 && inner(x) }
		} else {
			inner := low
			low = func(x *entry) bool { return x.compare(start) <= 0 || inner(x) }
		}
	}
	return low, high
}

// bind checks the parameters against the table.
func (q *query) bind(e *Engine) (*source, error) {
	if (q.segment >= 0) != (q.totalSegments > 0) {
		return nil, validation("The TotalSegments parameter is required but was not present in the request when Segment parameter is present, " +
			"and vice versa")
	}
	if q.segment >= max(1, q.totalSegments) {
		return nil, validationf("The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: %d", q.segment)
	}
	var key *binding
	var err error
	if !q.scan {
		if q.keyCondition == nil {
			return nil, validation("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
		}
		if key, err = e.bind("KeyConditionExpression", grammarCondition, q.keyCondition, &q.placeholders); err != nil {
			return nil, err
		}
	}
	s := &source{at: -1}
	if s.filter, err = e.bind("FilterExpression", grammarCondition, q.filter, &q.placeholders); err != nil {
		return nil, err
	}
	if s.projection, err = e.bind("ProjectionExpression", grammarProjection, q.projection, &q.placeholders); err != nil {
		return nil, err
	}
	if err := q.unused(); err != nil {
		return nil, err
	}
	if s.table, err = e.table(q.table); err != nil {
		return nil, err
	}
	s.schema, s.startKeys = &s.table.schema, s.table.keys
	if err := q.chooseIndex(s); err != nil {
		return nil, err
	}
	if key != nil {
		if s.keys, err = newKeyRange(key, s.schema); err != nil {
			return nil, err
		}
		if err := s.checkFilter(); err != nil {
			return nil, err
		}
	}
	if err := q.checkSelect(s); err != nil {
		return nil, err
	}
	if s.filter != nil && s.index != nil {
		for _, name := range s.filter.topNames() {
			if !s.index.projects(name) {
				return nil, invalidValue("Secondary index %s does not project one or more filter attributes: [%s]", q.index, name)
			}
		}
	}
	return s, q.checkStart(s)
}

func (q *query) chooseIndex(s *source) error {
	if q.index == "" {
		return nil
	}
	if s.at, s.index = s.table.index(q.index); s.index == nil {
		return validation("The table does not have the specified index: " + q.index)
	}
	if q.consistent && !s.index.local {
		return validation("Consistent reads are not supported on global secondary indexes")
	}
	s.schema = &s.index.schema
	s.startKeys = slices.Clone(s.table.keys)
	for _, k := range s.index.attributes() {
		s.startKeys = append(s.startKeys, k.name)
	}
	slices.Sort(s.startKeys)
	s.startKeys = slices.Compact(s.startKeys)
	return nil
}

// checkFilter refuses key attributes in a query's filter.
func (s *source) checkFilter() error {
	if s.filter == nil {
		return nil
	}
	for _, name := range s.filter.topNames() {
		if s.schema.has(name) {
			return validation("Filter Expression can only contain non-primary key attributes: Primary key attribute: " + name)
		}
	}
	return nil
}

// topNames are the attributes that a condition mentions at the head of a path.
func (b *binding) topNames() []string {
	var names []string
	var operands func(list []*operand)
	operands = func(list []*operand) {
		for _, o := range list {
			if o.kind == operandPath {
				names = append(names, b.names[o.path[0].name])
			}
			operands(o.args)
		}
	}
	var walk func(c *condition)
	walk = func(c *condition) {
		operands(c.args)
		for _, child := range c.children {
			walk(child)
		}
	}
	walk(b.condition)
	return names
}

// checkSelect decides what is returned, and whether a local index must fetch it.
func (q *query) checkSelect(s *source) error {
	switch q.selected {
	case "SPECIFIC_ATTRIBUTES":
		if s.projection == nil {
			return validation("Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES")
		}
	case "ALL_PROJECTED_ATTRIBUTES":
		if s.index == nil {
			return validation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
		}
	}
	if s.projection != nil && q.selected != "" && q.selected != "SPECIFIC_ATTRIBUTES" {
		return validationf("Cannot specify the ProjectionExpression when choosing to get %s", q.selected)
	}
	if s.index == nil {
		return nil
	}
	if q.selected == "ALL_ATTRIBUTES" && s.index.projection != "ALL" {
		if !s.index.local {
			return invalidValue("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", q.index)
		}
		s.fetch = true
	}
	if s.projection != nil {
		for _, p := range s.projection.paths {
			if name := s.projection.names[p[0].name]; !s.index.projects(name) {
				if !s.index.local {
					return invalidValue("Global secondary index %s does not project [%s]", q.index, name)
				}
				s.fetch = true
			}
		}
	}
	return nil
}

// checkStart reads ExclusiveStartKey.
func (q *query) checkStart(s *source) error {
	if q.start == nil {
		return nil
	}
	invalid := validation("The provided starting key is invalid")
	if len(q.start) != len(s.startKeys) {
		return invalid
	}
	attributes := append(s.table.attributes(), s.schema.attributes()...)
	for _, k := range attributes {
		if v := q.start.get(k.name); v == nil || v.kind != k.kind {
			return invalid
		}
	}
	p := s.schema.locate(q.start)
	if s.index != nil {
		p.tie = tie(s.base(q.start))
	}
	if s.keys != nil && (p.hash != s.keys.hash || p.pk != s.keys.pk) {
		return validation("The provided starting key is outside query boundaries based on provided conditions")
	}
	s.start = &p
	return nil
}

// cost is what reading the page consumed.
func (s *source) cost(q *query, p *page) *consumed {
	c := &consumed{table: s.table}
	units := readUnits(p.size, q.consistent)
	if s.index == nil {
		c.base = units
		return c
	}
	c.base = p.fetched
	c.indexes = make([]float64, len(s.table.indexes))
	c.indexes[s.at] = units
	return c
}
