// Package gateway is an API Gateway WebSocket API: it holds clients' connections, turns what happens on them into invocations of functions, and
// serves the @connections API through which functions answer: in process, or where functions in processes of their own reach it, never on the clients' port.
//
//	client ──Receive──▶ Conn ──route──▶ Config.Invoke ──two-way──▶ Transport.Send ──▶ client
//	                      ▲                                            ▲
//	                      └──── RoundTrip, Management: @connections ───┘
//
// A client is a Transport. ServeHTTP makes one of each WebSocket that is opened on /<stage>; a simulation implements it in memory and calls
// Connect, Receive and Closed itself. Then nothing here opens a socket, reads the machine's time or starts a goroutine but one for each
// invocation and each timer of Config.Clock.
//
// # As documented by AWS
//
//   - limits: frames of 32 KB, messages of 128 KB, 10 minutes idle, 2 hours of life, 29 seconds of an integration;
//   - $connect must answer 2xx before the upgrade completes, and may choose the subprotocol; until then the connection does not exist for
//     @connections (410). $disconnect is best effort and once. Both routes are optional;
//   - a custom domain's mapping without a key is the path / (Config.DefaultStage);
//   - the route is $request.body.method as a string; what is no JSON object, has no such member, or names no route goes to $default; without
//     $default the client is sent a Forbidden message;
//   - events: headers and query on CONNECT; body and messageId on MESSAGE; Host, x-api-key, X-Forwarded-For, x-restapi, disconnectStatusCode and
//     disconnectReason on DISCONNECT (as in events published by AWS's own event libraries);
//   - a function error, a timeout or a malformed result sends "Internal server error" with connectionId and requestId; $connect then answers 502,
//     or 504 when the integration timed out;
//   - throttles by stage and route, as token buckets of all connections together; a connection beyond them is answered 429;
//   - close codes: 1000 for DeleteConnection, 1001 idle and end of life, 1003 binary, 1009 frame or message too big; pings are answered;
//   - @connections: POST 200, 400, 403, 410, 413, 429; GET 200; DELETE 204; errors named in x-amzn-ErrorType. A connection is reached through its own
//     stage only.
//
// # Not documented: the worst case is taken
//
//   - a client that types "$connect" or "$disconnect" as its method does reach that route, with eventType MESSAGE;
//   - a two-way route whose function returns no body sends an empty message; a status code changes nothing;
//   - one-way routes report function errors too; a result is malformed when it has no integer statusCode, or a member that the proxy format lacks
//     (names match exactly);
//   - a message beyond a throttle is answered with an error message in the form of the others, "Too Many Requests" (429's text, which the documentation
//     gives for such requests), and its connection stays open; a $disconnect is never throttled;
//   - pings do not keep a connection from being idle; lastActiveAt counts whole messages, of both directions;
//   - messages to a client keep no order once Config.Delay is set;
//   - a reply of a two-way route, and an error message, that find the client's buffer full are lost;
//   - when a key appears twice in a message, the last one counts.
//
// # Choices of this package
//
// Data posted that is no UTF-8 is refused with 400, since text is all that goes out. Close codes 1002 (protocol error) and 1007 (text that is
// no UTF-8) follow RFC 6455. An invocation whose 29 seconds are over has its context cancelled, where AWS leaves the function running;
// functions of this project end long before. The size of AWS's buffer per client is unknown: here it is 1 MiB. A connection is closed after what
// was sent to it before has been written; a client that does not read, or does not answer the close frame, is cut off 10 s later at the latest. A
// message over 32 KB goes out in frames of 32 KB and an empty last one.
//
// Left out: authorizers, API keys, the account's own throttles (10,000 requests/s, 500 connections/s), signatures of @connections (package iam verifies
// them), selection expressions other than $request.body.method, integrations other than Lambda proxy, models, stage variables, compression (AWS has none).
package gateway
