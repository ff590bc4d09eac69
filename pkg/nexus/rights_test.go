package nexus_test

import (
	"slices"
	"strings"
	"testing"

	"nexus/pkg/nexus"
	"nexus/pkg/store"
)

// Rights are on what there is, and in order: the deployment makes policies of them as they stand.
func TestRightsAreOnWhatThereIs(t *testing.T) {
	used := map[string]bool{} // tables, and indexes behind a slash
	for _, function := range append(nexus.Functions(), nexus.FunctionSetup) {
		r := nexus.RightsOf(function)
		if len(r.Tables) == 0 {
			t.Errorf("%s has no rights", function)
		}
		if !slices.IsSorted(r.Connections) {
			t.Errorf("%s: connections %v are not sorted", function, r.Connections)
		}
		var names []string
		for _, on := range r.Tables {
			names = append(names, on.Table)
			used[on.Table] = true
			for _, list := range [][]string{on.Actions, on.Indexes} {
				if !slices.IsSorted(list) || len(slices.Compact(slices.Clone(list))) < len(list) {
					t.Errorf("%s on %s: %v is not sorted, each once", function, on.Table, list)
				}
			}
			for _, index := range on.Indexes {
				used[on.Table+"/"+index] = true
				if !r.Allows("Query", on.Table, index) || r.Allows("Scan", on.Table, index) {
					t.Errorf("%s: the index %s of %s is not to be queried, or more", function, index, on.Table)
				}
			}
			for _, action := range on.Actions {
				if !r.Allows(action, on.Table, "") || r.Allows(strings.ToLower(action), on.Table, "") {
					t.Errorf("%s: %s on %s is not allowed, or more", function, action, on.Table)
				}
			}
		}
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) < len(names) {
			t.Errorf("%s: tables %v are not sorted, each once", function, names)
		}
	}
	for _, table := range store.Schema() {
		is := []string{table.Name}
		for _, index := range slices.Concat(table.Local, table.Global) {
			is = append(is, table.Name+"/"+index.Name)
		}
		for _, name := range is {
			if !used[name] {
				t.Errorf("no function has rights on %s", name)
			}
			delete(used, name)
		}
	}
	for name := range used {
		t.Errorf("there are rights on %s, which is not there", name)
	}
	if r := nexus.RightsOf("nosuch"); len(r.Tables) > 0 || r.Timer || r.DeadLetters || len(r.Connections) > 0 || r.Allows("GetItem", store.Users, "") {
		t.Errorf("a function that is not there has the rights %+v", r)
	}
}

// Password hashes are read by functions that log in, that make root, and that change users: whatever else a function does, it cannot read them.
func TestWhoReadsHashes(t *testing.T) {
	var readers []string
	for _, function := range append(nexus.Functions(), nexus.FunctionSetup) {
		if nexus.RightsOf(function).Hashes {
			readers = append(readers, function)
		}
	}
	if want := []string{nexus.FunctionConnection, nexus.FunctionSys, nexus.FunctionUser, nexus.FunctionSetup}; !slices.Equal(readers, want) {
		t.Errorf("hashes are read by %v, want %v", readers, want)
	}
}
