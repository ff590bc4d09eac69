package call

import (
	"cmp"
	"maps"
	"slices"

	"nexus/pkg/access"
	"nexus/pkg/jsonrpc"
)

// Tally is the answer of a count call: {"count":n}, or with subprefixes [{"prefix","count"}], by prefix. A family may count more than one thing.
type Tally struct {
	how    access.Count
	fields []string
	whole  []int64
	by     map[string][]int64
}

// NewTally returns a Tally that counts "count" and then the things named, which are members of the answer beside it.
func NewTally(how access.Count, besides ...string) *Tally {
	fields := append([]string{"count"}, besides...)
	return &Tally{how: how, fields: fields, whole: make([]int64, len(fields)), by: map[string][]int64{}}
}

// Add counts n under a name, and the things besides, in the order in which they were named. A name that is not selected is left out.
func (t *Tally) Add(name string, n int64, besides ...int64) {
	if n == 0 || !t.how.Match(name) {
		return
	}
	into := t.whole
	if t.how.Subprefixes {
		sub, _ := access.SubPrefix(t.how.Prefix, name) // it matches, so that the prefix covers it
		sub = cmp.Or(sub, ".")
		if into = t.by[sub]; into == nil {
			into = make([]int64, len(t.fields))
			t.by[sub] = into
		}
	}
	into[0] += n
	for i, more := range besides {
		into[i+1] += more
	}
}

// Outcome is the answer, a Listing where it has a row for each prefix.
func (t *Tally) Outcome() (jsonrpc.Outcome, error) {
	if !t.how.Subprefixes {
		var o jsonrpc.Object
		return jsonrpc.Success(t.write(&o, t.whole).JSON()), nil
	}
	prefixes := slices.Sorted(maps.Keys(t.by))
	from, to := t.how.Page(len(prefixes))
	rows := NewListing(t.how.List)
	for _, prefix := range prefixes[from:to] {
		var o jsonrpc.Object
		if full, err := rows.Add(t.write(o.String("prefix", prefix), t.by[prefix]).JSON()); err != nil {
			return "", err
		} else if full {
			break
		}
	}
	return rows.Outcome(), nil
}

func (t *Tally) write(o *jsonrpc.Object, numbers []int64) *jsonrpc.Object {
	for i, field := range t.fields {
		o.Int(field, numbers[i])
	}
	return o
}
