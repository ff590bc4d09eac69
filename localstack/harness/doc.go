// Package harness is what tests of the bus' packages stand on: a local stack in one process in which nothing happens by itself. Time stands still
// until Advance, nobody reads the streams, the delay queue and the schedule, no connection is closed as idle, and nobody hears of a connection
// that closes. What a test wants to happen it does. Ids count up, chance is always the same, retries do not wait.
//
// On lets a test count the bus' requests to DynamoDB, SQS and @connections, lose some, or the responses of some, have some arrive late, and run
// something of its own ahead of one: so every race is a plain test. Package sim, on the other hand, draws what happens from a seed.
package harness
