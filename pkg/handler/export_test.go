package handler

// What tests look at from outside.
var (
	AWSConfig = awsConfig
	Backoff   = backoff
	Origin    = origin
)
