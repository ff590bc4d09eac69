// Package store is the bus' way to DynamoDB: its tables (schema.go, which the deployment and the local stack read too), reads and conditional
// writes, the translation of DynamoDB's exceptions, and the meter that counts capacity units.
//
// Expressions are written with attribute names as they are, each behind a #: `SET #state = :done REMOVE #queue`. The names map is made from
// that, so that no reserved word of DynamoDB's is ever in the way.
package store
