package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"nexus/localstack/stack"
	"nexus/pkg/store"
)

// After each write the harness reads the items that it named, past everything that could go wrong, and shows them to the trace of their table.

// itemKey is an item's key: partition and sort key.
type itemKey [2]string

// attribute is an attribute's value as the wire has it.
type attribute struct {
	S, N string
	BOOL bool
	M    rawItem
	L    []attribute
}

type rawItem map[string]attribute

func (i rawItem) int(name string) int64 {
	n, _ := strconv.ParseInt(i[name].N, 10, 64) // absent: 0
	return n
}

// keysOf returns the names of a table's key attributes.
func keysOf(table string) [2]string {
	for _, t := range store.Schema() {
		if t.Name == table {
			return [2]string{t.Partition, t.Sort}
		}
	}
	return [2]string{}
}

// watched returns what is told of the items of a table; nil for tables that no invariant looks at.
func (w *world) watched(table string) func(*request, itemKey, rawItem) {
	switch table {
	case store.Tasks:
		return w.taskWritten
	case store.Pipes:
		return w.pipeWritten
	case store.Locks:
		return w.lockWritten
	case store.Sessions:
		return w.sessionWritten
	case store.Users:
		return w.userWritten
	}
	return nil
}

// observe shows the items that a write named to who watches their tables.
func (w *world) observe(r *request) {
	type write struct {
		TableName string
		Key, Item rawItem
	}
	var in struct {
		write
		TransactItems []map[string]write
	}
	if err := json.Unmarshal(r.body, &in); err != nil {
		w.failf("%s: %v", r, err)
		return
	}
	writes := []write{in.write}
	if r.op == "TransactWriteItems" {
		writes = nil
		for _, item := range in.TransactItems {
			for _, one := range item {
				writes = append(writes, one)
			}
		}
	}
	for _, one := range writes {
		table := strings.TrimPrefix(one.TableName, stack.TablePrefix)
		told := w.watched(table)
		if told == nil {
			continue
		}
		names := keysOf(table)
		from := one.Key
		if one.Item != nil {
			from = one.Item
		}
		key := itemKey{from[names[0]].S, from[names[1]].S}
		i, err := w.read(table, key)
		if err != nil {
			w.failf("%s: %v", r, err)
			continue
		}
		told(r, key, i)
	}
}

// read reads an item, nil if there is none.
func (w *world) read(table string, key itemKey) (rawItem, error) {
	names := keysOf(table)
	in := map[string]any{names[0]: map[string]string{"S": key[0]}}
	if names[1] != "" {
		in[names[1]] = map[string]string{"S": key[1]}
	}
	body, err := json.Marshal(map[string]any{"TableName": stack.TablePrefix + table, "ConsistentRead": true, "Key": in})
	if err != nil {
		return nil, err
	}
	var out struct{ Item rawItem }
	err = w.ask("GetItem", body, &out)
	return out.Item, err
}

// scan reads a table.
func (w *world) scan(table string) []rawItem {
	body, err := json.Marshal(map[string]any{"TableName": stack.TablePrefix + table, "ConsistentRead": true})
	var out struct{ Items []rawItem }
	if err == nil {
		err = w.ask("Scan", body, &out)
	}
	if err != nil {
		w.failf("scan of %s: %v", table, err)
	}
	return out.Items
}

// ask has the engine carry out an operation.
func (w *world) ask(op string, body []byte, out any) error {
	h, err := http.NewRequest(http.MethodPost, "http://local.invalid/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	h.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	answer, err := w.stack.Engine.RoundTrip(h)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", op, text)
	}
	return json.Unmarshal(text, out)
}
