package handler

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"nexus/pkg/nexus"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-lambda-go/lambda"
)

// Setup runs the function that makes a deployment's first user. It is CloudFormation's (a custom resource), which calls it when the stack is created,
// updated and deleted, and waits for what it puts to the event's URL.
func Setup() {
	log := Log(os.Getenv)
	function, err := OpenSetup(os.Getenv, log)
	if err != nil {
		log.Error("start", "function", nexus.FunctionSetup, "error", err)
		os.Exit(1)
	}
	lambda.Start(function)
}

// rootID is what CloudFormation knows root by.
const rootID = "root"

// setup creates the user root.
type setup struct {
	bus     *nexus.Bus
	secrets secrets
	log     *slog.Logger
}

// OpenSetup makes the function that an environment describes.
func OpenSetup(env func(string) string, log *slog.Logger) (cfn.CustomResourceLambdaFunction, error) {
	bus, err := Open(env, log)
	if err != nil {
		return nil, err
	}
	cfg := awsConfig(env)
	return cfn.LambdaWrap(setup{bus, secrets{cfg, endpointOf("secretsmanager", cfg, env)}, log}.handle), nil
}

// handle creates root with the password of the secret that the event names, unless there has been a first start. Deleting the stack does not delete root: his
// table goes with it, or stays with all that is in it.
func (s setup) handle(ctx context.Context, e cfn.Event) (id string, data map[string]any, err error) {
	if e.RequestType == cfn.RequestDelete {
		return rootID, nil, nil
	}
	name, _ := e.ResourceProperties["Secret"].(string)
	pass, err := s.password(ctx, name)
	if err != nil {
		return rootID, nil, err
	}
	created, err := s.bus.Users.CreateRoot(ctx, pass)
	s.log.Info("root", "created", created, "error", err)
	return rootID, nil, err
}

// password reads a secret of the form {"user":"root","pass":…}. No error holds what it read.
func (s setup) password(ctx context.Context, name string) (string, error) {
	text, err := s.secrets.get(ctx, name, time.Now())
	if err != nil {
		return "", fmt.Errorf("secret %q: %w", name, err)
	}
	var secret struct{ Pass string }
	if json.Unmarshal([]byte(text), &secret) != nil || secret.Pass == "" {
		return "", fmt.Errorf(`secret %q is not of the form {"user":"root","pass":…}`, name)
	}
	return secret.Pass, nil
}
