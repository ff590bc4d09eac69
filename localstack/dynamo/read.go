package dynamo

// get is one GetItem: a request of its own, or one of a batch or transaction.
type get struct {
	table      string
	key        item
	consistent bool
	projection *string
	placeholders
}

func (g *get) field(r *reader, name string) bool {
	switch name {
	case "TableName":
		g.table = r.text()
	case "Key":
		g.key = r.item()
	case "ProjectionExpression":
		g.projection = r.optional()
	case "ExpressionAttributeNames":
		return g.placeholders.field(r, name)
	default:
		return false
	}
	return true
}

// found is a read item: what the projection leaves of it (nil where there is none) and its size as stored.
type found struct {
	table *table
	item  item
	size  int
}

// fetch reads an item under the lock.
func (e *Engine) fetch(g *get) (found, error) {
	b, err := e.bind("ProjectionExpression", grammarProjection, g.projection, &g.placeholders)
	if err != nil {
		return found{}, err
	}
	if err := g.unused(); err != nil {
		return found{}, err
	}
	t, err := e.table(g.table)
	if err != nil {
		return found{}, err
	}
	p, err := t.locateKey(g.key)
	if err != nil {
		return found{}, err
	}
	f := found{table: t}
	if x := e.view(t, g.consistent).items.get(&p); x != nil {
		f.item, f.size = x.item, x.size
		if b != nil {
			f.item = b.project(x.item, b.paths)
		}
	}
	return f, nil
}

// view is what a read sees of a table.
func (e *Engine) view(t *table, consistent bool) *view {
	if t.lagging == nil || consistent {
		return t.data
	}
	return t.lagging.at(t, e.clock.Now())
}

func getItem(e *Engine, body []byte) ([]byte, error) {
	var g get
	capacity := ""
	r := &reader{buf: body}
	r.request(func(name string) bool {
		switch name {
		case "ConsistentRead":
			g.consistent = r.bool()
		case "ReturnConsumedCapacity":
			capacity = r.capacityMode()
		default:
			return g.field(r, name)
		}
		return true
	})
	if err := r.end(); err != nil {
		return nil, err
	}
	e.mu.Lock()
	f, err := e.fetch(&g)
	e.unlock()
	if err != nil {
		return nil, err
	}
	out := writer{buf: make([]byte, 0, 256+2*f.size)}
	out.openObject()
	if f.item != nil {
		out.key("Item")
		out.item(f.item)
	}
	writeConsumed(&out, capacity, &consumed{table: f.table, base: readUnits(f.size, g.consistent)})
	out.closeObject()
	return out.buf, nil
}
