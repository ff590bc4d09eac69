// Package jsonrpc is the envelope of the protocol: JSON-RPC 2.0 requests, answers and errors, one JSON value a message. It does no I/O.
//
// JSON that belongs to clients (params, tags, results, error data, ids) is kept as the bytes that came and written as the bytes that came;
// nothing here decodes and encodes it again.
package jsonrpc
