package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"nexus/localstack/stack"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

// localPrefix stands before the names that this command makes on an engine elsewhere, so that they are not a deployment's of the same account.
const localPrefix = "nexus-local-"

const endpointHelp = `use this engine instead of the embedded ones: the URL of something that serves DynamoDB, its streams and SQS, as LocalStack
does; or aws, which is AWS itself: it creates tables and queues in the account of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and
AWS_SESSION_TOKEN), in AWS_REGION. What is created stays there. Where it is no flag, AWS_ENDPOINT_URL counts`

// remote is the engine elsewhere that flags and environment name, if they name one.
func remote(endpoint string, embeddedQueue bool, prefix string, env func(string) string) (stack.Remote, error) {
	if endpoint == "" {
		if embeddedQueue || prefix != "" {
			return stack.Remote{}, errors.New("-embedded-queue and -prefix are for an engine elsewhere: give its -endpoint")
		}
		return stack.Remote{}, nil
	}
	r := stack.Remote{Endpoint: endpoint, EmbeddedQueue: embeddedQueue, Prefix: cmp.Or(prefix, localPrefix),
		Region: cmp.Or(env("AWS_REGION"), env("AWS_DEFAULT_REGION"))}
	id, secret := env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY")
	if id != "" && secret != "" {
		r.Credentials = credentials.NewStaticCredentialsProvider(id, secret, env("AWS_SESSION_TOKEN"))
	}
	if strings.HasPrefix(endpoint, "http://") {
		return r, nil // an emulator: any credentials will do
	}
	if r.Credentials == nil {
		return r, fmt.Errorf("-endpoint %s needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; for a profile, "+
			`eval "$(aws configure export-credentials --format env)" sets them`, endpoint)
	}
	if r.Region == "" {
		return r, fmt.Errorf("-endpoint %s needs AWS_REGION", endpoint)
	}
	return r, nil
}

// where says what a user of the bus must know about it: where its state is, and who may log in.
func where(r stack.Remote, firstStart bool) string {
	const password = "Log in as root with the password given (root if none)."
	if r.Endpoint == "" {
		return password + " Everything is in memory; Ctrl-C ends it."
	}
	login := password
	if !firstStart {
		login = "Log in as root with the password of the first start there."
	}
	queues := "and its queues "
	if r.EmbeddedQueue {
		queues = ""
	}
	return fmt.Sprintf("%s Its tables %sare at %s, their names begin with %s; Ctrl-C ends the rest.", login, queues, r.Endpoint, r.Prefix)
}
