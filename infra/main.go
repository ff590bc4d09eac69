// Command infra is the CDK app: it synthesizes the stack that `make deploy` gives to CloudFormation, and says what the stack costs at rest.
//
// Everything that the local stack has too is taken from where it takes it: the tables from nexus/pkg/store, the routes, functions, streams, rights and
// times from nexus/pkg/nexus, the environment's names from nexus/pkg/handler. What only a deployment has is here; its options are in options.go.
//
// The constructs are CloudFormation's own resources (L1): the template says what the code says, and no more.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "doctor" {
		if err := examine(context.Background(), os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "doctor:", err)
			os.Exit(1)
		}
		return
	}
	defer jsii.Close()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "infra:", err)
		os.Exit(1)
	}
}

func run() error {
	app := awscdk.NewApp(&awscdk.AppProps{AnalyticsReporting: jsii.Bool(false)})
	given, err := contextOf(app)
	if err != nil {
		return err
	}
	o, err := ParseOptions(given)
	if err != nil {
		return err
	}
	if err := newStack(app, o); err != nil {
		return err
	}
	template, err := templateOf(app.Synth(nil), o.Name)
	if err != nil {
		return err
	}
	bill, err := atRest(template)
	if err != nil {
		return err
	}
	fmt.Fprint(os.Stderr, bill)
	return nil
}
