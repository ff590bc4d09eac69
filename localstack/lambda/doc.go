// Package lambda runs functions as AWS Lambda runs them: each invocation has an id, a deadline and a context of its own; one that overruns is
// answered for and its late result dropped; a panic is an error of that invocation and of nothing else. A function is a Handler in this process, or
// by Processes a program behind the Runtime API.
//
// Taken from the Lambda documentation and from aws-lambda-go, which runs the same handlers on AWS:
//   - the context carries a lambdacontext.LambdaContext and the function's deadline;
//   - a function error is a type and a message; its type is the name of the Go type (aws-lambda-go, lambda/errors.go). A stack is logged, not
//     returned: callers of this stack, the gateway first, must never come to depend on it;
//   - a timeout is a function error of type Sandbox.Timedout; a function that ends without returning is Runtime.ExitError;
//   - reserved concurrency refuses with TooManyRequestsException; payloads and results are at most 6 MB.
//
// Processes are held to more of it: an environment serves one invocation at a time; there is a new one when all are busy, kept warm, and ended when
// it was idle for a while; a timeout kills it; a program that exits in the middle of an invocation is a function error, Runtime.ExitError, and is
// replaced; initialisation has 10 s of its own. Beyond a number of environments invocations wait instead of being throttled, without a bound.
//
// Left out of both: memory and CPU limits, asynchronous invocation with its own retries, versions and aliases, and the check that a payload is JSON,
// which callers in this repository always send.
//
// Left out in process: cold starts, and environments that are reused one invocation at a time (here all share the process, so concurrent invocations
// of one function share its globals, which on AWS they never do). A handler that overran keeps running until it returns: its context is cancelled,
// but a goroutine cannot be frozen.
//
// Left out of processes: freezing between invocations, extensions and SIGTERM, response streaming, recursion detection. A caller that goes away ends
// the environment, where AWS would let the function finish.
package lambda
