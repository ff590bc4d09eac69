package main

import (
	"encoding/json"
	"fmt"
	"strconv"

	"nexus/pkg/nexus"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/cxapi"
	"github.com/aws/jsii-runtime-go"
)

// A stack is what its parts know of one another. It is of no account and no region: those of the credentials that deploy it.
type stack struct {
	awscdk.Stack
	Options

	api         api
	tables      map[string]awsdynamodb.CfnTable
	timerQueue  awssqs.CfnQueue
	deadLetters awssqs.CfnQueue
	secret      awssecretsmanager.CfnSecret
	functions   map[string]awslambda.CfnFunction
}

func newStack(app awscdk.App, o Options) error {
	s := &stack{Options: o, tables: map[string]awsdynamodb.CfnTable{}, functions: map[string]awslambda.CfnFunction{}}
	s.Stack = awscdk.NewStack(app, jsii.String(o.Name), &awscdk.StackProps{Description: jsii.String("Nexus, a message bus")})
	s.addTables()
	s.addQueues()
	s.addSecret()
	s.addAPI()
	for _, name := range append(nexus.Functions(), nexus.FunctionSetup) {
		if err := s.addFunction(name); err != nil {
			return err
		}
	}
	s.addRoutes()
	s.addStages()
	s.addSources()
	s.addRoot()
	return s.addWatch()
}

// named is the name of something in the stack.
func (s *stack) named(name string) string { return s.Name + "-" + name }

// arn is the ARN of something of the stack's account and region.
func (s *stack) arn(service, resource string) string {
	return fmt.Sprintf("arn:%s:%s:%s:%s:%s", *s.Partition(), service, *s.Region(), *s.Account(), resource)
}

// output adds a value that is told when the stack is deployed; conversation reads them by name.
func (s *stack) output(name, value, description string) {
	awscdk.NewCfnOutput(s.Stack, jsii.String(name), &awscdk.CfnOutputProps{Value: jsii.String(value), Description: jsii.String(description)})
}

// keep says that a resource with what cannot be made again outlives the stack, unless the option removal says otherwise.
func (s *stack) keep(r awscdk.CfnResource, policy awscdk.RemovalPolicy) {
	if !s.Keep {
		policy = awscdk.RemovalPolicy_DESTROY
	}
	r.ApplyRemovalPolicy(policy, nil)
}

// contextOf returns the app's context that options are read from: its strings and numbers.
func contextOf(app awscdk.App) (map[string]string, error) {
	all, ok := app.Node().GetAllContext(nil).(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the context is %T", app.Node().GetAllContext(nil))
	}
	context := map[string]string{}
	for name, value := range all {
		context[name] = textOf(value)
	}
	return context, nil
}

// textOf is a value of the context as options read it.
func textOf(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(value) // no option takes it
}

// templateOf returns a stack's template as JSON holds it.
func templateOf(assembly cxapi.CloudAssembly, name string) (map[string]any, error) {
	text, err := json.Marshal(assembly.GetStackByName(jsii.String(name)).Template())
	if err != nil {
		return nil, err
	}
	var template map[string]any
	return template, json.Unmarshal(text, &template)
}
