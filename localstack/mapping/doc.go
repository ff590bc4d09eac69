// Package mapping is Lambda's event source mappings and EventBridge's schedules: it reads DynamoDB streams and SQS queues through the AWS SDK and
// invokes functions with what it finds. Which engine it reads is decided by the clients' endpoints: the local stack's own, another emulator, or AWS.
//
// Run drives everything with one goroutine for each shard, queue and schedule. A simulation drives the same Shards and QueueReaders itself, step by
// step.
//
// # Streams
//
// Each shard is read in order, a child after its parent is finished. Records that no filter matches are dropped and count as done. The others gather
// in a batch, which closes when it has BatchSize records or 6 MB, or when Window has passed since its first record. While a batch fails, its shard
// waits (with a ParallelizationFactor: the items that share its lane wait). What follows a delivery is in retry.go, a function without side effects:
//
//	function error ──▶ bisect, or the same batch again, until ──▶ MaximumRetryAttempts used ──┐
//	partial failure ──▶ the same from the lowest failed sequence number on                    ├──▶ message to OnFailure ──▶ go on
//	not invoked (throttled) ──▶ the same batch again; costs no attempt                        │
//	waiting, or failing ──▶ MaximumRecordAge, or the stream's 24 h, passed ───────────────────┘
//
// A shard never skips silently: if OnFailure cannot be reached, it waits.
//
// Taken from the Lambda Developer Guide (using Lambda with DynamoDB, event filtering, partial batch responses, retaining discarded records, their
// parameter tables): ranges and defaults; that splitting a batch does not consume the retry quota; that invocations which did not happen are retried
// until records are too old; the conditions of success and failure of a partial response; the filter rules, and that numeric works on no DynamoDB
// stream; the shapes of events and of the on-failure message; four reads a second. From the EventBridge User Guide: the Scheduled Event, and that
// exists tells leaves only.
//
// Where the documentation is silent, the choice is the one that is harder on a function: a partial success renews no retry quota, so that a batch's
// last records may be discarded for its first one's sake (unless BisectOnError); a response that cannot be read is a failure. A partial failure at
// the first record bisects in the middle, as a function error does. Chosen freely: waits between retries (1 s doubling to 30 s), and the condition's
// name for records that grew too old.
//
// Left out: tumbling windows, SNS and S3 destinations, filters on queues, provisioned pollers, provisioned concurrency, cron schedules, on-failure
// destinations of schedules. Lambda's polling slows down after failures and its queue pollers scale up by themselves; here MaximumConcurrency is used
// from the start.
package mapping
