package dynamo

import "slices"

// Bounds of batches and transactions, from the quotas page of the developer guide.
const (
	maxBatchGet    = 100
	maxBatchWrite  = 25
	maxTransaction = 100
	maxResponse    = 16 << 20
)

// batchTable is one table's part of a batch. Parts are sorted by table, since clients send them in any order.
type batchTable struct {
	name   string
	get    get // shared by the keys: projection, placeholders and consistency
	keys   []item
	writes []*write
}

func sortParts(parts []*batchTable) {
	slices.SortFunc(parts, func(a, b *batchTable) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
}

func batchGetItem(e *Engine, body []byte) ([]byte, error) {
	var parts []*batchTable
	capacity := ""
	keys := 0
	r := &reader{buf: body}
	r.request(func(name string) bool {
		switch name {
		case "RequestItems":
			r.object(func(table string) {
				part := &batchTable{name: table, get: get{table: table}}
				parts = append(parts, part)
				r.request(func(name string) bool { return part.getField(r, name) })
				keys += len(part.keys)
			})
		case "ReturnConsumedCapacity":
			capacity = r.capacityMode()
		default:
			return false
		}
		return true
	})
	if err := r.end(); err != nil {
		return nil, err
	}
	if keys == 0 {
		return nil, validation("The batch get request list cannot be empty")
	}
	if keys > maxBatchGet {
		return nil, validation("Too many items requested for the BatchGetItem call")
	}
	sortParts(parts)
	return e.batchGet(parts, capacity)
}

func (b *batchTable) getField(r *reader, name string) bool {
	switch name {
	case "Keys":
		r.array(func() { b.keys = append(b.keys, r.item()) })
	case "ConsistentRead":
		b.get.consistent = r.bool()
	case "TableName", "Key":
		return false
	default:
		return b.get.field(r, name)
	}
	return true
}

func (e *Engine) batchGet(parts []*batchTable, capacity string) ([]byte, error) {
	e.mu.Lock()
	defer e.unlock()
	var l ledger
	out := &writer{}
	out.openObject()
	out.key("Responses")
	out.openObject()
	size := 0
	var unprocessed []*batchTable
	for _, part := range parts {
		out.key(part.name)
		out.openArray()
		var seen []position
		for i, key := range part.keys {
			part.get.key = key
			f, err := e.fetch(&part.get)
			if err != nil {
				return nil, err
			}
			p := f.table.locate(key)
			if slices.Contains(seen, p) {
				return nil, validation("Provided list of item keys contains duplicates")
			}
			seen = append(seen, p)
			if size += f.size; size > maxResponse {
				unprocessed = append(unprocessed, &batchTable{name: part.name, get: part.get, keys: part.keys[i:]})
				break
			}
			c := l.of(f.table)
			c.base += readUnits(f.size, part.get.consistent)
			if f.item != nil {
				out.item(f.item)
			}
		}
		out.closeArray()
	}
	out.closeObject()
	out.key("UnprocessedKeys")
	out.openObject()
	for _, part := range unprocessed {
		out.key(part.name)
		part.writeKeys(out)
	}
	out.closeObject()
	l.write(out, capacity, notTransactional)
	out.closeObject()
	return out.buf, nil
}

// writeKeys writes the part as the request that a client repeats.
func (b *batchTable) writeKeys(out *writer) {
	out.openObject()
	out.key("Keys")
	out.openArray()
	for _, key := range b.keys {
		out.item(key)
	}
	out.closeArray()
	if b.get.consistent {
		out.key("ConsistentRead")
		out.bool(true)
	}
	if b.get.projection != nil {
		out.key("ProjectionExpression")
		out.text(*b.get.projection)
	}
	if len(b.get.names) > 0 {
		out.key("ExpressionAttributeNames")
		out.openObject()
		for _, ph := range b.get.names {
			out.key(ph.key)
			out.text(ph.name)
		}
		out.closeObject()
	}
	out.closeObject()
}

func batchWriteItem(e *Engine, body []byte) ([]byte, error) {
	var parts []*batchTable
	capacity := ""
	writes := 0
	r := &reader{buf: body}
	r.request(func(name string) bool {
		switch name {
		case "RequestItems":
			r.object(func(table string) {
				part := &batchTable{name: table}
				parts = append(parts, part)
				r.array(func() { part.writes = append(part.writes, r.batchWrite(table)) })
				writes += len(part.writes)
			})
		default:
			return r.writeCosts(name, &capacity)
		}
		return true
	})
	if err := r.end(); err != nil {
		return nil, err
	}
	if writes == 0 {
		return nil, validation("The batch write request list cannot be empty")
	}
	if writes > maxBatchWrite {
		return nil, validation("Too many items requested for the BatchWriteItem call")
	}
	sortParts(parts)
	return e.batchWrite(parts, capacity)
}

// batchWrite reads {"PutRequest": {"Item"}} or {"DeleteRequest": {"Key"}}.
func (r *reader) batchWrite(table string) *write {
	var w *write
	r.request(func(name string) bool {
		member := map[string]string{"PutRequest": "Item", "DeleteRequest": "Key"}[name]
		if member == "" {
			return false
		}
		if w != nil {
			r.fail(validation("Supplied WriteRequest has more than one request set"))
		}
		w = &write{table: table, action: map[string]string{"Item": "PutItem", "Key": "DeleteItem"}[member]}
		r.request(func(name string) bool { return name == member && w.field(r, name) })
		return true
	})
	if w == nil {
		r.fail(validation("Supplied WriteRequest is empty"))
	}
	return w
}

func (e *Engine) batchWrite(parts []*batchTable, capacity string) ([]byte, error) {
	e.mu.Lock()
	defer e.unlock()
	var all []*prepared
	for _, part := range parts {
		for _, w := range part.writes {
			p, err := e.prepare(w)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(all, p.same) {
				return nil, validation("Provided list of item keys contains duplicates")
			}
			all = append(all, p)
		}
	}
	var l ledger
	for _, p := range all {
		fx, err := e.evaluate(p)
		if err != nil {
			return nil, err
		}
		e.commit(fx, 1, l.of(p.table))
	}
	out := &writer{}
	out.openObject()
	out.key("UnprocessedItems")
	out.openObject()
	out.closeObject()
	l.write(out, capacity, notTransactional)
	out.closeObject()
	return out.buf, nil
}

// same reports whether both write one item.
func (p *prepared) same(q *prepared) bool {
	return p.table == q.table && p.position.sameKey(&q.position)
}
