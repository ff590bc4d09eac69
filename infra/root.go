package main

import (
	"nexus/pkg/nexus"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"
)

// addSecret adds the password of root, which nobody chooses. It has no name of its own: a name would be taken for weeks after a stack's end.
func (s *stack) addSecret() {
	s.secret = awssecretsmanager.NewCfnSecret(s.Stack, jsii.String("RootPassword"), &awssecretsmanager.CfnSecretProps{
		Description: jsii.String("the first password of the user root of " + s.Name),
		GenerateSecretString: &awssecretsmanager.CfnSecret_GenerateSecretStringProperty{SecretStringTemplate: jsii.String(`{"user":"root"}`),
			GenerateStringKey: jsii.String("pass"), PasswordLength: jsii.Number(32), ExcludePunctuation: true},
	})
	s.keep(s.secret, awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE) // but not one of a stack that could not be made
	s.output("RootSecret", *s.secret.Ref(), "the secret with the first password of root")
}

// addRoot has CloudFormation call the function setup once, which reads the secret and makes the user. So no function that serves the bus may read it, and
// it is in no template, environment or log. A password that is changed later is the bus' own matter (user.setPass): the secret holds the first one.
func (s *stack) addRoot() {
	awscdk.NewCustomResource(s.Stack, jsii.String("Root"), &awscdk.CustomResourceProps{
		ResourceType:   jsii.String("Custom::Root"),
		ServiceToken:   s.functions[nexus.FunctionSetup].AttrArn(),
		ServiceTimeout: awscdk.Duration_Minutes(jsii.Number(2)),
		Properties:     &map[string]any{"Secret": s.secret.Ref()},
	})
}
