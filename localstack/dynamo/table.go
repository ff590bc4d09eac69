package dynamo

import (
	"encoding/binary"
	"slices"
	"time"
)

// Bounds of keys and items in bytes, from the quotas page of the developer guide.
const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
	maxItem         = 400 << 10
)

// keyAttribute is an attribute of a key; without a name it is a sort key that the schema lacks.
type keyAttribute struct {
	name string
	kind kind
}

// schema is the key of a table or index.
type schema struct {
	hash, sort keyAttribute
}

// attributes are the schema's one or two key attributes.
func (s *schema) attributes() []keyAttribute {
	if s.sort.name == "" {
		return []keyAttribute{s.hash}
	}
	return []keyAttribute{s.hash, s.sort}
}

func (s *schema) has(name string) bool {
	return name == s.hash.name || name == s.sort.name && name != ""
}

// encoded appends a key attribute's value in its byte order.
func encoded(v *value) string {
	if v.kind == kindN {
		return string(v.num.appendKey(make([]byte, 0, len(v.num.digits)+4)))
	}
	return v.text
}

// locate returns where the schema puts the item, whose key attributes are there and of their types.
func (s *schema) locate(it item) position {
	p := position{pk: encoded(it.get(s.hash.name))}
	if s.sort.name != "" {
		p.sk = encoded(it.get(s.sort.name))
	}
	p.hash = hashOf(p.pk)
	return p
}

// index is a secondary index.
type index struct {
	schema
	name       string
	local      bool
	projection string   // KEYS_ONLY, INCLUDE or ALL
	keep       []string // all attributes of an entry, sorted, where the projection is not ALL
	nonKey     []string // as given
}

// project returns what the index holds of an entry of its table; nil where it lacks the index's key.
func (x *index) project(e *entry) *entry {
	if e == nil {
		return nil
	}
	for _, k := range [...]keyAttribute{x.hash, x.sort} {
		if k.name != "" && e.item.get(k.name) == nil {
			return nil
		}
	}
	out := &entry{position: x.locate(e.item), item: e.item, size: e.size}
	out.tie = tie(&e.position)
	if x.projection != "ALL" {
		out.item = e.item.only(x.keep)
		out.size = out.item.size()
	}
	return out
}

// tie encodes an item's own position, which orders index entries of one key.
func tie(p *position) string {
	b := make([]byte, 0, 8+len(p.pk)+1+len(p.sk))
	b = binary.BigEndian.AppendUint64(b, p.hash)
	b = append(b, p.pk...)
	b = append(b, 0)
	return string(append(b, p.sk...))
}

// projects reports whether the index's entries hold that attribute.
func (x *index) projects(name string) bool {
	if x.projection == "ALL" {
		return true
	}
	_, ok := slices.BinarySearch(x.keep, name)
	return ok
}

// table is a table with all its data.
type table struct {
	schema
	description tableDescription // what does not change, as DescribeTable shows it
	name        string
	keys        []string // the key's attributes, sorted
	indexes     []*index // sorted by name
	data        *view
	lagging     *replica // nil where nothing lags
	stream      *stream  // nil where the table has none
	ttl         string   // the attribute that TTL goes by, "" where it is disabled
	expiries    tree     // items by when they expire, while TTL is enabled
}

// index returns the index of that name, or nil.
func (t *table) index(name string) (int, *index) {
	for i, x := range t.indexes {
		if x.name == name {
			return i, x
		}
	}
	return 0, nil
}

// view is a table's items and their index entries at one moment.
type view struct {
	items   tree
	indexes []tree // beside table.indexes
	bytes   int
}

func newView(indexes int) *view { return &view{indexes: make([]tree, indexes)} }

// apply replaces old by new in the items and in every index, and returns what the index writes cost; either may be nil.
func (v *view) apply(t *table, old, new *entry) []float64 {
	if old != nil {
		v.bytes -= old.size
	}
	if new != nil {
		v.bytes += new.size
		v.items.put(new)
	} else if old != nil {
		v.items.remove(&old.position)
	}
	if len(t.indexes) == 0 {
		return nil
	}
	costs := make([]float64, len(t.indexes))
	for i, x := range t.indexes {
		was, is := x.project(old), x.project(new)
		costs[i] = indexCost(was, is)
		if costs[i] == 0 {
			continue
		}
		if was != nil && (is == nil || was.compare(&is.position) != 0) {
			v.indexes[i].remove(&was.position)
		}
		if is != nil {
			v.indexes[i].put(is)
		}
	}
	return costs
}

// replica is a view that follows its table some time behind.
type replica struct {
	view    *view
	pending []replication // in the order of the writes
}

type replication struct {
	due      time.Time
	old, new *entry
}

// at applies what is due by now.
func (r *replica) at(t *table, now time.Time) *view {
	for len(r.pending) > 0 && !r.pending[0].due.After(now) {
		r.view.apply(t, r.pending[0].old, r.pending[0].new)
		r.pending = r.pending[1:]
	}
	return r.view
}

// checkItem refuses an item that a Put or an update may not store: without its key, too large, with an index key of the wrong type.
func (t *table) checkItem(it item) error {
	for _, k := range t.attributes() {
		v := it.get(k.name)
		if v == nil {
			return invalidValue("Missing the key %s in the item", k.name)
		}
		if v.kind != k.kind {
			return mismatch(invalidValue("Type mismatch for key %s expected: %s actual: %s", k.name, k.kind, v.kind))
		}
		if err := t.checkKeyValue(k, v); err != nil {
			return err
		}
	}
	return t.checkIndexKeys(it)
}

// checkIndexKeys refuses index keys of a wrong type or size.
func (t *table) checkIndexKeys(it item) error {
	for _, x := range t.indexes {
		for _, k := range [...]keyAttribute{x.hash, x.sort} {
			v := it.get(k.name)
			if k.name == "" || v == nil {
				continue
			}
			if v.kind != k.kind {
				return mismatch(invalidValue("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", k.name, k.kind, v.kind, x.name))
			}
			if v.kind != kindN && v.text == "" {
				return invalidValue("A value specified for a secondary index key is not supported. The AttributeValue for a key attribute "+
					"cannot contain an empty string value. IndexName: %s, IndexKey: %s", x.name, k.name)
			}
			limit := maxPartitionKey
			if k == x.sort {
				limit = maxSortKey
			}
			if len(v.text) > limit {
				return invalidValue("Size of hashkey or rangekey of index %s has exceeded the maximum size limit of %d bytes", x.name, limit)
			}
		}
	}
	return nil
}

// checkKeyValue checks the content of a key attribute.
func (t *table) checkKeyValue(k keyAttribute, v *value) error {
	if v.kind != kindN && v.text == "" {
		return validationf("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "+
			"string value. Key: %s", k.name)
	}
	limit, which := maxPartitionKey, "hashkey"
	if k == t.sort {
		limit, which = maxSortKey, "rangekey"
	}
	if len(v.text) > limit {
		return invalidValue("Size of %s has exceeded the maximum size limit of %d bytes", which, limit)
	}
	return nil
}

// locateKey returns the position that a Key parameter names.
func (t *table) locateKey(key item) (position, error) {
	attributes := t.attributes()
	if len(key) != len(attributes) {
		return position{}, mismatch(validation("The provided key element does not match the schema"))
	}
	for _, k := range attributes {
		v := key.get(k.name)
		if v == nil || v.kind != k.kind {
			return position{}, mismatch(validation("The provided key element does not match the schema"))
		}
		if err := t.checkKeyValue(k, v); err != nil {
			return position{}, err
		}
	}
	return t.locate(key), nil
}
