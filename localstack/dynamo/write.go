package dynamo

// write is one Put, Update, Delete or ConditionCheck: a request of its own, or one of a batch or transaction.
type write struct {
	action       string // PutItem, UpdateItem, DeleteItem or ConditionCheck
	table        string
	item         item // PutItem: the item; else its key
	update       *string
	condition    *string
	returnValues string
	onFailure    string // ReturnValuesOnConditionCheckFailure
	placeholders
}

// field reads the parameters that all writes have.
func (w *write) field(r *reader, name string) bool {
	switch {
	case name == "TableName":
		w.table = r.text()
	case name == "Item" && w.action == "PutItem", name == "Key" && w.action != "PutItem":
		w.item = r.item()
	case name == "UpdateExpression" && w.action == "UpdateItem":
		w.update = r.optional()
	case name == "ConditionExpression":
		w.condition = r.optional()
	case name == "ReturnValuesOnConditionCheckFailure":
		w.onFailure = r.oneOf("returnValuesOnConditionCheckFailure", "NONE", "ALL_OLD")
	default:
		return w.placeholders.field(r, name)
	}
	return true
}

// prepared is a write whose parameters are checked against its table; nothing of it depends on the item.
type prepared struct {
	*write
	table     *table
	position  position
	condition *binding // nil for none
	update    *binding // nil for none
}

// prepare checks all that does not depend on the item as it is stored.
func (e *Engine) prepare(w *write) (*prepared, error) {
	p := &prepared{write: w}
	var err error
	if p.update, err = e.bind("UpdateExpression", grammarUpdate, w.update, &w.placeholders); err != nil {
		return nil, err
	}
	if p.condition, err = e.bind("ConditionExpression", grammarCondition, w.condition, &w.placeholders); err != nil {
		return nil, err
	}
	if err := w.unused(); err != nil {
		return nil, err
	}
	if p.table, err = e.table(w.table); err != nil {
		return nil, err
	}
	t := p.table
	if w.action != "PutItem" {
		if p.position, err = t.locateKey(w.item); err != nil {
			return nil, err
		}
		return p, p.checkUpdateKeys()
	}
	if err := t.checkItem(w.item); err != nil {
		return nil, err
	}
	if w.item.size() > maxItem {
		return nil, invalidValue("Item size has exceeded the maximum allowed size")
	}
	p.position = t.locate(w.item)
	return p, nil
}

// checkUpdateKeys refuses an update of a key attribute.
func (p *prepared) checkUpdateKeys() error {
	if p.update == nil {
		return nil
	}
	for _, a := range p.update.update {
		if name := p.update.names[a.target[0].name]; p.table.has(name) {
			return mismatch(invalidValue("Cannot update attribute %s. This attribute is part of the key", name))
		}
	}
	return nil
}

// effect is what a write will do: replace old, which may be nil, by new, which may be nil. Without a change they are the same entry.
type effect struct {
	*prepared
	old, new *entry
}

// evaluate decides a prepared write on the item as it is stored, and writes nothing.
func (e *Engine) evaluate(p *prepared) (*effect, error) {
	t := p.table
	fx := &effect{prepared: p, old: t.data.items.get(&p.position)}
	var before item
	if fx.old != nil {
		before = fx.old.item
	}
	if p.condition != nil && !p.condition.holds(before, p.condition.condition) {
		if p.onFailure != "ALL_OLD" {
			before = nil
		}
		return nil, conditionFailed(before)
	}
	fx.new = fx.old
	after := p.item
	switch p.action {
	case "ConditionCheck":
		return fx, nil
	case "DeleteItem":
		fx.new = nil
		return fx, nil
	case "UpdateItem":
		if before == nil {
			before = p.item
		}
		after = before
		if p.update != nil {
			var err error
			if after, err = p.update.updated(before); err != nil {
				return nil, err
			}
			if err := t.checkIndexKeys(after); err != nil {
				return nil, err
			}
		}
	}
	if fx.old != nil && equalItems(fx.old.item, after) {
		return fx, nil
	}
	fx.new = &entry{position: p.position, item: after, size: after.size()}
	if fx.new.size > maxItem {
		return nil, validation("Item size to update has exceeded the maximum allowed size")
	}
	return fx, nil
}

// commit carries out an effect and adds its cost; factor is 2 in a transaction, which index writes do not pay.
func (e *Engine) commit(fx *effect, factor float64, c *consumed) {
	size := 0
	for _, x := range [...]*entry{fx.old, fx.new} {
		if x != nil {
			size = max(size, x.size)
		}
	}
	c.base += factor * writeUnits(size)
	if fx.old != fx.new {
		c.addIndexes(e.replace(fx.table, fx.old, fx.new, false))
	}
}

// replace is the one place where data changes: items, indexes, what lags behind them, TTL and the stream.
func (e *Engine) replace(t *table, old, new *entry, expired bool) []float64 {
	costs := t.data.apply(t, old, new)
	now := e.clock.Now()
	if t.lagging != nil {
		due := now.Add(e.config.IndexLag(t.name))
		if n := len(t.lagging.pending); n > 0 && t.lagging.pending[n-1].due.After(due) {
			due = t.lagging.pending[n-1].due // replication keeps the writes' order
		}
		t.lagging.pending = append(t.lagging.pending, replication{due, old, new})
		t.lagging.at(t, now) // or what nobody reads would pile up
	}
	e.trackExpiry(t, old, new)
	if t.stream != nil {
		e.record(t, old, new, expired, now)
	}
	return costs
}

// one carries out PutItem, UpdateItem or DeleteItem.
func one(action string) operation {
	allowed := []string{"NONE", "ALL_OLD"}
	if action == "UpdateItem" {
		allowed = append(allowed, "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
	}
	return func(e *Engine, body []byte) ([]byte, error) {
		w := &write{action: action}
		capacity := ""
		r := &reader{buf: body}
		r.request(func(name string) bool {
			if name == "ReturnValues" {
				w.returnValues = r.oneOf("returnValues", allowed...)
				return true
			}
			return r.writeCosts(name, &capacity) || w.field(r, name)
		})
		if err := r.end(); err != nil {
			return nil, err
		}
		fx, c, err := e.write(w)
		if err != nil {
			return nil, err
		}
		out := writer{buf: make([]byte, 0, 512)}
		out.openObject()
		if it := fx.returned(); len(it) > 0 {
			out.key("Attributes")
			out.item(it)
		}
		writeConsumed(&out, capacity, c)
		out.closeObject()
		return out.buf, nil
	}
}

// write carries out a write that is not in a transaction.
func (e *Engine) write(w *write) (*effect, *consumed, error) {
	e.mu.Lock()
	defer e.unlock()
	p, err := e.prepare(w)
	if err != nil {
		return nil, nil, err
	}
	if e.conflicts(p) {
		return nil, nil, conflict()
	}
	fx, err := e.evaluate(p)
	if err != nil {
		return nil, nil, err
	}
	c := &consumed{table: p.table}
	e.commit(fx, 1, c)
	return fx, c, nil
}

// returned is what ReturnValues asks for.
func (fx *effect) returned() item {
	var old, new item
	if fx.old != nil {
		old = fx.old.item
	}
	if fx.new != nil {
		new = fx.new.item
	}
	switch fx.returnValues {
	case "ALL_OLD":
		return old
	case "ALL_NEW":
		return new
	case "UPDATED_OLD", "UPDATED_NEW":
		if fx.update == nil {
			return nil
		}
		return fx.updatedParts(old, new)
	}
	return nil
}

// updatedParts is what an update changed and no more: a member of a map without its siblings. The new values of what was removed or appended
// are none.
func (fx *effect) updatedParts(old, new item) item {
	var paths []path
	for _, a := range fx.update.update {
		appended := a.target[len(a.target)-1].name < 0 && fx.update.at(old, a.target) == nil
		if fx.returnValues == "UPDATED_OLD" || a.section != "REMOVE" && !appended {
			paths = append(paths, a.target)
		}
	}
	if fx.returnValues == "UPDATED_OLD" {
		new = old
	}
	return fx.update.project(new, paths)
}
