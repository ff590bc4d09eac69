package handler

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nexus/pkg/nexus"
	"nexus/pkg/store"

	"github.com/aws/aws-lambda-go/events"
)

// change names an item of a table.
type change struct {
	table string
	key   [2]string
}

// stream serves the tables' streams. A batch is of one table.
func (f function) stream(ctx context.Context, e events.DynamoDBEvent) (events.DynamoDBEventResponse, error) {
	if len(e.Records) > 0 && f.bus.Publishes(tableOf(e.Records[0])) {
		return f.published(ctx, e), nil
	}
	return events.DynamoDBEventResponse{}, f.repair(ctx, e)
}

// published serves the stream of publications. Those that are not done come again, with all behind them; a row's own order goes on from there.
func (f function) published(ctx context.Context, e events.DynamoDBEvent) events.DynamoDBEventResponse {
	records := make([]nexus.Record, len(e.Records))
	for n, r := range e.Records {
		records[n] = nexus.Record{ID: r.Change.SequenceNumber, Image: image(r.Change.NewImage)}
	}
	var out events.DynamoDBEventResponse
	for _, id := range f.bus.Published(ctx, records) {
		out.BatchItemFailures = append(out.BatchItemFailures, events.DynamoDBBatchItemFailure{ItemIdentifier: id})
	}
	return out
}

// image makes an item of an image in a record, of its attributes that are strings, numbers or lists of strings: a publication has no others.
func image(in map[string]events.DynamoDBAttributeValue) store.Item {
	out := store.Item{}
	for name, v := range in {
		switch v.DataType() {
		case events.DataTypeString:
			out[name] = store.S(v.String())
		case events.DataTypeNumber:
			if n, err := v.Integer(); err == nil {
				out[name] = store.N(n)
			}
		case events.DataTypeList:
			var list []string
			for _, e := range v.List() {
				if e.DataType() == events.DataTypeString {
					list = append(list, e.String())
				}
			}
			out[name] = store.Strings(list)
		}
	}
	return out
}

// repair serves the streams of the tables that repair reads back. A batch that fails is given again as a whole: reading back twice does no harm.
func (f function) repair(ctx context.Context, e events.DynamoDBEvent) error {
	last := map[change]string{}
	var changes []change
	for _, r := range e.Records {
		c, err := f.changed(r)
		if err != nil {
			return err
		}
		if _, seen := last[c]; !seen {
			changes = append(changes, c)
		}
		last[c] = r.EventName
	}
	var tables []string
	keys, gone := map[string][][2]string{}, map[string][][2]string{}
	for _, c := range changes {
		if last[c] == string(events.DynamoDBOperationTypeRemove) {
			gone[c.table] = append(gone[c.table], c.key) // what the batch itself shows to be gone needs no look
			continue
		}
		if keys[c.table] == nil {
			tables = append(tables, c.table)
		}
		keys[c.table] = append(keys[c.table], c.key)
	}
	var failed []error
	for _, table := range tables {
		failed = append(failed, f.bus.Changed(ctx, table, keys[table]))
	}
	for _, table := range slices.Sorted(maps.Keys(gone)) {
		f.bus.Removed(ctx, table, gone[table])
	}
	return errors.Join(failed...)
}

// tableOf is the table of a record, as DynamoDB knows it: the source's ARN ends in table/<name>/stream/<time>.
func tableOf(r events.DynamoDBEventRecord) string {
	_, name, _ := strings.Cut(r.EventSourceArn, ":table/")
	name, _, _ = strings.Cut(name, "/")
	return name
}

// changed reads what a record names.
func (f function) changed(r events.DynamoDBEventRecord) (change, error) {
	table, ok := f.bus.Repaired(tableOf(r))
	if !ok {
		return change{}, fmt.Errorf("stream record %s is of %q, which nothing repairs", r.EventID, r.EventSourceArn)
	}
	part, sort := r.Change.Keys[table.Partition], r.Change.Keys[table.Sort]
	if part.DataType() != events.DataTypeString || sort.DataType() != events.DataTypeString {
		return change{}, fmt.Errorf("stream record %s has not the keys of %s", r.EventID, table.Name)
	}
	return change{table.Name, [2]string{part.String(), sort.String()}}, nil
}
