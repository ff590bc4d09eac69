package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"nexus/pkg/handler"
	"nexus/pkg/nexus"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3assets"
	"github.com/aws/jsii-runtime-go"
)

// logDays is how long logs are kept.
const logDays = 30

// Memory sizes in MB. Measured with all transcripts played against the functions' programs: 19 MB at most, and 74 MB where passwords are hashed (argon2id,
// 19 MiB each, some 70 ms of a core). So it is processor time that memory buys, a core at 1,769 MB, and what a call costs hardly goes by it, being work
// mostly: twice the memory is half the time. 256 MB make 15 ms of a call's 2 ms of a core; 512 MB a quarter of a second of a login.
const (
	plainMemory = 256
	hashMemory  = 512
)

// memoryOf is a function's memory.
func memoryOf(function string) float64 {
	switch function {
	case nexus.FunctionSys, nexus.FunctionUser, nexus.FunctionSetup:
		return hashMemory
	}
	return plainMemory
}

// addFunction adds the function of a folder of functions/, with a role and a log group of its own.
func (s *stack) addFunction(name string) error {
	zip := filepath.Join(s.Build, name+".zip")
	if _, err := os.Stat(zip); err != nil {
		return fmt.Errorf("function %s is not built (make build): %w", name, err)
	}
	code := awss3assets.NewAsset(s.Stack, jsii.String("Code"+title(name)), &awss3assets.AssetProps{Path: jsii.String(zip)})
	group := s.logGroup("Logs"+title(name), "/aws/lambda/"+s.named(name))
	role := awsiam.NewCfnRole(s.Stack, jsii.String("Role"+title(name)), &awsiam.CfnRoleProps{
		Description:              jsii.String("of the function " + s.named(name)),
		AssumeRolePolicyDocument: assumedBy("lambda.amazonaws.com"),
		Policies: []any{&awsiam.CfnRole_PolicyProperty{PolicyName: jsii.String("rights"),
			PolicyDocument: document(s.statements(name, *group.AttrArn()))}},
	})
	props := &awslambda.CfnFunctionProps{
		FunctionName:  jsii.String(s.named(name)),
		Architectures: jsii.Strings("arm64"),
		Runtime:       jsii.String("provided.al2023"),
		Handler:       jsii.String("bootstrap"),
		Code:          &awslambda.CfnFunction_CodeProperty{S3Bucket: code.S3BucketName(), S3Key: code.S3ObjectKey()},
		Role:          role.AttrArn(),
		MemorySize:    jsii.Number(memoryOf(name)),
		Timeout:       jsii.Number(nexus.FunctionTimeout.Seconds()),
		Environment:   &awslambda.CfnFunction_EnvironmentProperty{Variables: s.environment()},
		// The platform's own three lines a call cost more than the call's work: only what it warns of is kept, such as a time-out. Of the function's
		// lines Lambda drops none: the function goes by its level itself, and what has none, such as a fatal error, must not be lost.
		LoggingConfig: &awslambda.CfnFunction_LoggingConfigProperty{LogGroup: group.Ref(), LogFormat: jsii.String("JSON"),
			ApplicationLogLevel: jsii.String("TRACE"), SystemLogLevel: jsii.String("WARN")},
	}
	if name == nexus.FunctionTimer {
		// A deadline over 15 minutes away comes back to the function, message by message. Lambda takes that for a mistake, and ends it at the sixteenth.
		props.RecursiveLoop = jsii.String("Allow")
	}
	if n := s.Reserved[name]; n > 0 {
		props.ReservedConcurrentExecutions = jsii.Number(float64(n))
	}
	s.functions[name] = awslambda.NewCfnFunction(s.Stack, jsii.String("Function"+title(name)), props)
	return nil
}

// environment is what the functions are told. AWS_REGION and credentials are Lambda's own.
func (s *stack) environment() map[string]*string {
	env := map[string]*string{
		handler.EnvTablePrefix: jsii.String(s.named("")),
		handler.EnvQueueURL:    s.timerQueue.Ref(),
		handler.EnvDeadLetters: s.deadLetters.Ref(),
		handler.EnvCallbackV0:  jsii.String(s.api.callback(nexus.V0)),
		handler.EnvCallbackV1:  jsii.String(s.api.callback(nexus.V1)),
		handler.EnvLogLevel:    jsii.String(s.LogLevel),
	}
	for name, value := range s.Settings {
		env[name] = jsii.String(value)
	}
	return env
}

// logGroup adds a log group. It goes with the stack: what is worth keeping is in the tables.
func (s *stack) logGroup(id, name string) awslogs.CfnLogGroup {
	group := awslogs.NewCfnLogGroup(s.Stack, jsii.String(id), &awslogs.CfnLogGroupProps{LogGroupName: jsii.String(name), RetentionInDays: jsii.Number(logDays)})
	group.ApplyRemovalPolicy(awscdk.RemovalPolicy_DESTROY, nil)
	return group
}

// allowInvoke lets a service call a function, on behalf of one source only.
func (s *stack) allowInvoke(id, function, service, source string) awslambda.CfnPermission {
	return awslambda.NewCfnPermission(s.Stack, jsii.String(id), &awslambda.CfnPermissionProps{Action: jsii.String("lambda:InvokeFunction"),
		FunctionName: s.functions[function].Ref(), Principal: jsii.String(service), SourceArn: jsii.String(source)})
}

// title makes a name fit for a logical id: task is Task, sys.node.list is SysNodeList.
func title(name string) string {
	var id strings.Builder
	for word := range strings.FieldsFuncSeq(name, func(r rune) bool { return strings.ContainsRune(".$-", r) }) {
		id.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return id.String()
}

// seconds is a duration as CloudFormation takes it.
func seconds(d time.Duration) *float64 { return jsii.Number(d.Seconds()) }
