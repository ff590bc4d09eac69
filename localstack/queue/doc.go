// Package queue is Amazon SQS for one process: standard queues behind the SQS JSON protocol, as aws-sdk-go-v2/service/sqs speaks it. A Service is an
// http.RoundTripper for a client in the same process and an http.Handler for everybody else.
//
//	svc := queue.New(queue.Config{})
//	client := sqs.New(sqs.Options{HTTPClient: &http.Client{Transport: svc}, Region: "us-east-1", Credentials: …})
//
// A message is in one of three states and moves between them by calls and by the clock alone:
//
//	send ──▶ delayed ──delay──▶ visible ──receive──▶ in flight ──delete──▶ gone
//	                               ▲                     │
//	                               └─visibility timeout──┘   received maxReceiveCount times: to the dead-letter queue instead of a further receive
//
// Standard queues promise neither order nor a single delivery. This one hands messages out in the order in which they became visible and delivers
// again only after a visibility timeout; callers must not depend on either.
//
// Long polls wait on channels, take messages in the order in which they came, and end with their request's context. The service has no goroutine of
// its own: a clock timer runs only while somebody waits for a message that will become visible later, so an idle service costs nothing, and inside a
// testing/synctest bubble a waiting poll is durably blocked.
//
// Taken from the SQS API Reference and Developer Guide (limits as documented in 2026; MaximumMessageSize is 1 MiB by default): the error codes and
// their two forms, the JSON shape (__type) and the older query code (x-amzn-query-error), which the SDK prefers; the checksums; receipt handles
// (only the latest one deletes; one that is older succeeds without effect); 60 s between purges and before a deleted queue's name can be used again;
// 120,000 messages in flight; 12 h of visibility in all from a receive on.
//
// Left out, and refused by name: FIFO queues and everything that belongs to them, message groups on standard queues, tags, policies, encryption
// settings, message move tasks, message system attributes (X-Ray), attribute list values, the query (XML) protocol. Signatures are not checked. What
// AWS only approximates or delays (counts, propagation of attributes) is exact and immediate here. Where AWS does not say what becomes of the receive
// count of a message that is moved to a dead-letter queue, it starts again at zero.
package queue
