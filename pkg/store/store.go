package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DB reads and writes the tables. It is safe for concurrent use.
type DB struct {
	client *dynamodb.Client
	prefix string
	pause  func(ctx context.Context, attempt int) error
	names  names
}

// New returns a DB on a client. prefix is put before every table's name. pause waits before the given retry of a request that met contention
// (1, 2, …), with jitter, or returns the context's error; the simulation injects one without chance.
func New(client *dynamodb.Client, prefix string, pause func(ctx context.Context, attempt int) error) *DB {
	return &DB{client: client, prefix: prefix, pause: pause}
}

// Contention is how often a request that meets contention is tried.
const Contention = 8

// Backoff returns a pause of up to 10 ms doubled with each attempt, at most 500 ms, of which chance (in [0,1)) picks the part.
func Backoff(chance func() float64) func(context.Context, int) error {
	return func(ctx context.Context, attempt int) error {
		most := min(500*time.Millisecond, 10*time.Millisecond<<min(attempt, 6)) // one that is shifted further would overflow
		t := time.NewTimer(time.Duration(chance() * float64(most)))
		defer t.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			return nil
		}
	}
}

// retry runs one request until it met something else than contention.
func (db *DB) retry(ctx context.Context, request func() error) error {
	again := false // an attempt before was sent more than once
	for attempt := 1; ; attempt++ {
		answer := request()
		err := translate(answer)
		if !errors.Is(err, errConflict) || attempt == Contention {
			if again && err != nil {
				return resent{err}
			}
			return err
		}
		again = again || repeated(answer)
		if err := db.pause(ctx, attempt); err != nil {
			return err
		}
	}
}

func (db *DB) table(name string) *string { return aws.String(db.prefix + name) }

func units(c *types.ConsumedCapacity) float64 {
	if c == nil || c.CapacityUnits == nil {
		return 0
	}
	return *c.CapacityUnits
}

// Get reads an item strongly; nil if there is none.
func (db *DB) Get(ctx context.Context, table string, key Item) (Item, error) {
	return db.GetSome(ctx, table, key, "")
}

// GetSome is Get for the attributes that projection names (as an expression); empty means all.
func (db *DB) GetSome(ctx context.Context, table string, key Item, projection string) (Item, error) {
	in := &dynamodb.GetItemInput{TableName: db.table(table), Key: key, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	if projection != "" {
		in.ProjectionExpression, in.ExpressionAttributeNames = &projection, db.names.of(nil, projection)
	}
	out, err := db.client.GetItem(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", table, translate(err))
	}
	count(ctx, 0, units(out.ConsumedCapacity))
	return out.Item, nil
}

// Key names an item of a table.
type Key struct {
	Table string
	Key   Item
}

// GetAll reads any number of items strongly, 100 a request, in any order. Items that do not exist are left out. projection may name the
// attributes wanted (as an expression); empty means all.
func (db *DB) GetAll(ctx context.Context, keys []Key, projection string) ([]Found, error) {
	return db.getAll(ctx, keys, projection, true)
}

// GetAllEventually is GetAll by eventually consistent reads, at half the price: it may not see what was written within the last second or so.
func (db *DB) GetAllEventually(ctx context.Context, keys []Key, projection string) ([]Found, error) {
	return db.getAll(ctx, keys, projection, false)
}

func (db *DB) getAll(ctx context.Context, keys []Key, projection string, strongly bool) ([]Found, error) {
	var found []Found
	for len(keys) > 0 {
		n := min(len(keys), 100)
		pending := make(map[string]types.KeysAndAttributes)
		for _, k := range keys[:n] {
			name := db.prefix + k.Table
			ka := pending[name]
			ka.ConsistentRead = aws.Bool(strongly)
			if projection != "" {
				ka.ProjectionExpression = aws.String(projection)
				ka.ExpressionAttributeNames = db.names.of(nil, projection)
			}
			ka.Keys = append(ka.Keys, k.Key)
			pending[name] = ka
		}
		keys = keys[n:]
		for attempt := 1; len(pending) > 0; attempt++ {
			out, err := db.client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: pending,
				ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal})
			if err != nil {
				return nil, fmt.Errorf("batch get: %w", translate(err))
			}
			for i := range out.ConsumedCapacity {
				count(ctx, 0, units(&out.ConsumedCapacity[i]))
			}
			for _, name := range slices.Sorted(maps.Keys(out.Responses)) {
				for _, item := range out.Responses[name] {
					found = append(found, Found{Table: name[len(db.prefix):], Item: item})
				}
			}
			if pending = out.UnprocessedKeys; len(pending) > 0 {
				if err := db.pause(ctx, attempt); err != nil {
					return nil, err
				}
			}
		}
	}
	return found, nil
}

// Found is an item that GetAll met.
type Found struct {
	Table string
	Item  Item
}

// Write is one conditional write. Which one it is, is told by its fields: Item puts, Update updates, Check writes nothing, none of them deletes.
type Write struct {
	Table  string
	Key    Item              // of an update or deletion
	Item   Item              // of a put
	Update string            // update expression
	If     string            // condition; every update has one
	Values Item              // expression values
	Names  map[string]string // placeholders that are not attribute names of their own
	Once   bool              // by Do, with one attempt that may be carried out: its repetition could not be told from another's
	Check  bool              // by Transact, a condition alone
}

func (w *Write) names(db *DB) map[string]string { return db.names.of(w.Names, w.Update, w.If) }

// attempts limits the client's for this write.
func (w *Write) attempts(o *dynamodb.Options) {
	if w.Once {
		o.RetryMaxAttempts = 1
	}
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func values(v Item) Item {
	if len(v) == 0 {
		return nil
	}
	return v
}

// Do carries out one write and returns the item after it (for an update) or before it (for a deletion). A failed condition is a
// *ConditionFailed with the item it met.
func (db *DB) Do(ctx context.Context, w Write) (item Item, err error) {
	err = db.retry(ctx, func() error {
		var consumed *types.ConsumedCapacity
		var err error
		switch {
		case w.Item != nil:
			var out *dynamodb.PutItemOutput
			out, err = db.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: db.table(w.Table), Item: w.Item,
				ConditionExpression: optional(w.If), ExpressionAttributeNames: w.names(db), ExpressionAttributeValues: values(w.Values),
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
				ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal}, w.attempts)
			if out != nil {
				consumed = out.ConsumedCapacity
			}
		case w.Update != "":
			var out *dynamodb.UpdateItemOutput
			out, err = db.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{TableName: db.table(w.Table), Key: w.Key,
				UpdateExpression: &w.Update, ConditionExpression: optional(w.If), ExpressionAttributeNames: w.names(db),
				ExpressionAttributeValues: values(w.Values), ReturnValues: types.ReturnValueAllNew,
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
				ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal}, w.attempts)
			if out != nil {
				consumed, item = out.ConsumedCapacity, out.Attributes
			}
		default:
			var out *dynamodb.DeleteItemOutput
			out, err = db.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: db.table(w.Table), Key: w.Key,
				ConditionExpression: optional(w.If), ExpressionAttributeNames: w.names(db), ExpressionAttributeValues: values(w.Values),
				ReturnValues:                        types.ReturnValueAllOld,
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
				ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal}, w.attempts)
			if out != nil {
				consumed, item = out.ConsumedCapacity, out.Attributes
			}
		}
		count(ctx, units(consumed), 0)
		if _, lost := errors.AsType[*types.ConditionalCheckFailedException](err); lost {
			count(ctx, 1, 0) // charged, and not reported
		}
		if w.Once && throttled(err) {
			return errConflict // it was not carried out, and the client does not repeat it
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", w.Table, err)
	}
	return item, nil
}

// Transact carries out all writes or none. token, at most 36 bytes and unique for this use, makes a repeated request the same one. If conditions
// failed the error is a *Cancelled.
func (db *DB) Transact(ctx context.Context, token string, writes ...Write) error {
	in := &dynamodb.TransactWriteItemsInput{ClientRequestToken: &token, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	const old = types.ReturnValuesOnConditionCheckFailureAllOld
	for i := range writes {
		w := &writes[i]
		var t types.TransactWriteItem
		switch {
		case w.Check:
			t.ConditionCheck = &types.ConditionCheck{TableName: db.table(w.Table), Key: w.Key, ConditionExpression: optional(w.If),
				ExpressionAttributeNames: w.names(db), ExpressionAttributeValues: values(w.Values), ReturnValuesOnConditionCheckFailure: old}
		case w.Item != nil:
			t.Put = &types.Put{TableName: db.table(w.Table), Item: w.Item, ConditionExpression: optional(w.If),
				ExpressionAttributeNames: w.names(db), ExpressionAttributeValues: values(w.Values), ReturnValuesOnConditionCheckFailure: old}
		case w.Update != "":
			t.Update = &types.Update{TableName: db.table(w.Table), Key: w.Key, UpdateExpression: &w.Update, ConditionExpression: optional(w.If),
				ExpressionAttributeNames: w.names(db), ExpressionAttributeValues: values(w.Values), ReturnValuesOnConditionCheckFailure: old}
		default:
			t.Delete = &types.Delete{TableName: db.table(w.Table), Key: w.Key, ConditionExpression: optional(w.If),
				ExpressionAttributeNames: w.names(db), ExpressionAttributeValues: values(w.Values), ReturnValuesOnConditionCheckFailure: old}
		}
		in.TransactItems = append(in.TransactItems, t)
	}
	err := db.retry(ctx, func() error {
		out, err := db.client.TransactWriteItems(ctx, in)
		if err != nil {
			count(ctx, 2*float64(len(writes)), 0)
			return err
		}
		for i := range out.ConsumedCapacity {
			count(ctx, units(&out.ConsumedCapacity[i]), 0)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("transaction: %w", err)
	}
	return nil
}

// Query is one page of a query. All reads are strong unless Eventual is set, which a global index needs.
type Query struct {
	Table      string
	Index      string
	If         string // key condition
	Filter     string
	Values     Item
	Projection string
	Limit      int32 // items read, at most; 0: a page of 1 MB
	Start      Item  // where the page before ended
	Eventual   bool
	Backwards  bool
}

// Query returns a page and where the next begins (nil: nowhere).
func (db *DB) Query(ctx context.Context, q Query) (items []Item, next Item, err error) {
	in := &dynamodb.QueryInput{TableName: db.table(q.Table), IndexName: optional(q.Index), KeyConditionExpression: &q.If,
		FilterExpression: optional(q.Filter), ProjectionExpression: optional(q.Projection),
		ExpressionAttributeNames: db.names.of(nil, q.If, q.Filter, q.Projection), ExpressionAttributeValues: values(q.Values),
		ConsistentRead: aws.Bool(!q.Eventual), ExclusiveStartKey: q.Start, ScanIndexForward: aws.Bool(!q.Backwards),
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	if q.Limit > 0 {
		in.Limit = &q.Limit
	}
	out, err := db.client.Query(ctx, in)
	if err != nil {
		return nil, nil, fmt.Errorf("query %s: %w", q.Table, translate(err))
	}
	count(ctx, 0, units(out.ConsumedCapacity))
	return asItems(out.Items), out.LastEvaluatedKey, nil
}

// Scan returns a page of a table, read eventually, of the items that pass a filter, and where the next begins.
func (db *DB) Scan(ctx context.Context, q Query) (items []Item, next Item, err error) {
	in := &dynamodb.ScanInput{TableName: db.table(q.Table), IndexName: optional(q.Index), FilterExpression: optional(q.Filter),
		ProjectionExpression: optional(q.Projection), ExpressionAttributeNames: db.names.of(nil, q.Filter, q.Projection),
		ExpressionAttributeValues: values(q.Values), ExclusiveStartKey: q.Start, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
	if q.Limit > 0 {
		in.Limit = &q.Limit
	}
	out, err := db.client.Scan(ctx, in)
	if err != nil {
		return nil, nil, fmt.Errorf("scan %s: %w", q.Table, translate(err))
	}
	count(ctx, 0, units(out.ConsumedCapacity))
	return asItems(out.Items), out.LastEvaluatedKey, nil
}

func asItems(raw []map[string]types.AttributeValue) []Item {
	items := make([]Item, len(raw))
	for i, item := range raw {
		items[i] = item
	}
	return items
}
