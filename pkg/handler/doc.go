// Package handler is the Lambda functions: it turns AWS' events into calls of pkg/nexus, and it alone reads the environment.
//
// Main runs any of them but setup (Setup), which is CloudFormation's: routes of the WebSocket, the delay queue and the schedule (function.go), streams
// (stream.go). What API Gateway is returned is a status without a body: an answer is posted.
package handler
