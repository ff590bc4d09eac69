// Package handler turns AWS events into calls of pkg/nexus, one Lambda function a file's worth of adapter, and reads the environment (it alone
// does). What it returns to API Gateway is the proxy response and nothing else; an answer is posted, never returned.
package handler
