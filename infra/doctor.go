package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const (
	// fewExecutions is the account's concurrency below which the doctor warns: functions that call one another's streams and queues, and a few
	// clients, use it up.
	fewExecutions = 100
	// leastNode is the oldest Node that the CDK runs on, if with a warning; goodNode the oldest that it is supported on.
	leastNode, goodNode = 20, 22
	// importing is the CDK's option by which a new stack takes in what one before it kept.
	importing = "--import-existing-resources"
)

// doctor looks, before anything is made, at what a deployment needs and may stumble over. It changes nothing.
type doctor struct {
	Options
	logRoleGiven bool     // the user has said accountLogRole
	arguments    []string // of the CDK's command line
	out          io.Writer
	config       func(context.Context) (aws.Config, error) // credentials and region, from where the SDK finds them
	node         func(context.Context) (string, error)     // what `node --version` prints

	failed   bool
	contexts []string // what the CDK is to be told besides
}

// ok, warn and fail write one line each. What failed would stop the deployment.
func (d *doctor) ok(format string, values ...any) { d.say("ok     ", format, values) }

func (d *doctor) warn(format string, values ...any) { d.say("warning", format, values) }

func (d *doctor) fail(format string, values ...any) {
	d.failed = true
	d.say("FAILED ", format, values)
}

func (d *doctor) say(how, format string, values []any) {
	fmt.Fprintf(d.out, "%s  %s\n", how, fmt.Sprintf(format, values...))
}

// errSick says that a deployment would fail; the lines say why.
var errSick = errors.New("a deployment would fail")

// look looks at everything. It returns the context that the CDK is to be given besides the user's own, or errSick.
func (d *doctor) look(ctx context.Context) ([]string, error) {
	d.lookAtNode(ctx)
	cfg, ok := d.lookAtCredentials(ctx)
	if !ok {
		return nil, errSick
	}
	d.lookAtConcurrency(ctx, lambda.NewFromConfig(cfg))
	stacks := cloudformation.NewFromConfig(cfg)
	stack, known := d.lookAtStack(ctx, stacks)
	if known {
		d.lookAtLogRole(ctx, apigateway.NewFromConfig(cfg), d.madeLogRole(ctx, stacks, stack))
	}
	if known {
		d.lookAtTables(ctx, dynamodb.NewFromConfig(cfg), stack)
	}
	if d.failed {
		return nil, errSick
	}
	return d.contexts, nil
}

func (d *doctor) lookAtNode(ctx context.Context) {
	text, err := d.node(ctx)
	major, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(text), "v"), ".")
	n, bad := strconv.Atoi(major)
	switch {
	case err != nil || bad != nil:
		d.fail("Node: there is none; the CDK needs %d or later", goodNode)
	case n < leastNode:
		d.fail("Node %d: the CDK needs %d or later", n, goodNode)
	case n < goodNode:
		d.warn("Node %d: the CDK still runs on it, and says that it will not for long; %d or later is supported", n, goodNode)
	default:
		d.ok("Node %d", n)
	}
}

// lookAtCredentials tells whether there are credentials that AWS takes, and a region.
func (d *doctor) lookAtCredentials(ctx context.Context) (aws.Config, bool) {
	cfg, err := d.config(ctx)
	if err != nil {
		d.fail("credentials: %v", err)
		return cfg, false
	}
	if cfg.Region == "" {
		d.fail("region: none is set; say AWS_REGION=eu-west-1, or give the profile one")
		return cfg, false
	}
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		d.fail("credentials: %s", d.plain("sts:GetCallerIdentity", cfg.Region, err))
		return cfg, false
	}
	d.ok("credentials of %s, region %s", aws.ToString(who.Arn), cfg.Region)
	return cfg, true
}

func (d *doctor) lookAtConcurrency(ctx context.Context, client *lambda.Client) {
	out, err := client.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err != nil {
		d.fail("Lambda: %s", d.plain("lambda:GetAccountSettings", client.Options().Region, err))
		return
	}
	var reserved int
	for _, n := range d.Reserved {
		reserved += n
	}
	all, free := int(out.AccountLimit.ConcurrentExecutions), int(aws.ToInt32(out.AccountLimit.UnreservedConcurrentExecutions))
	const left = 100 // that Lambda always leaves to functions without a reservation
	switch {
	case reserved > 0 && free-reserved < left:
		d.fail("Lambda: the option reservedConcurrency asks for %d executions; of the account's %d there are %d free, of which AWS leaves %d to all other functions",
			reserved, all, free, left)
	case free < fewExecutions:
		d.warn("Lambda: %d concurrent executions of the account's %d are free. New accounts may have 10; what goes beyond is refused. "+
			"Service Quotas raises it: Lambda, \"Concurrent executions\"", free, all)
	default:
		d.ok("Lambda: %d concurrent executions of the account's %d are free", free, all)
	}
}

// lookAtStack returns what there is of the stack: nil if there is none. known is false where that cannot be learned.
func (d *doctor) lookAtStack(ctx context.Context, client *cloudformation.Client) (stack *types.Stack, known bool) {
	out, err := client.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &d.Name})
	if e, ok := errors.AsType[smithy.APIError](err); ok && e.ErrorCode() == "ValidationError" && strings.Contains(e.ErrorMessage(), "does not exist") {
		d.ok("CloudFormation: there is no stack %s yet", d.Name)
		return nil, true
	}
	if err != nil || len(out.Stacks) == 0 {
		d.fail("CloudFormation: %s", d.plain("cloudformation:DescribeStacks", client.Options().Region, err))
		return nil, false
	}
	s := &out.Stacks[0]
	switch status := string(s.StackStatus); {
	case s.StackStatus == types.StackStatusRollbackComplete, s.StackStatus == types.StackStatusReviewInProgress:
		d.ok("CloudFormation: the stack %s was not made (%s); the CDK removes what is left of it", d.Name, status)
		return nil, true
	case strings.HasSuffix(status, "_IN_PROGRESS"):
		d.fail("CloudFormation: the stack %s is being changed (%s); wait for its end", d.Name, status)
	case strings.HasSuffix(status, "_FAILED"):
		d.fail("CloudFormation: the stack %s is stuck (%s: %s); its events in the console say why", d.Name, status, aws.ToString(s.StackStatusReason))
	default:
		d.ok("CloudFormation: the stack %s is there (%s), and is updated", d.Name, status)
	}
	return s, true
}

// madeLogRole tells whether a stack is one that made the role by which API Gateway writes logs.
func (d *doctor) madeLogRole(ctx context.Context, client *cloudformation.Client, stack *types.Stack) bool {
	if stack == nil {
		return false
	}
	_, err := client.DescribeStackResource(ctx, &cloudformation.DescribeStackResourceInput{StackName: &d.Name, LogicalResourceId: aws.String(accountLogRole)})
	if e, ok := errors.AsType[smithy.APIError](err); ok && e.ErrorCode() == "ValidationError" {
		return false
	}
	if err != nil {
		d.fail("CloudFormation: %s", d.plain("cloudformation:DescribeStackResource", client.Options().Region, err))
	}
	return err == nil
}

// lookAtLogRole finds out whether the account's region has a role by which API Gateway writes logs, and tells the CDK, unless the user did: a stack
// keeps the one that it made, own, and a new one makes a role only where there is none.
func (d *doctor) lookAtLogRole(ctx context.Context, client *apigateway.Client, own bool) {
	account, err := client.GetAccount(ctx, &apigateway.GetAccountInput{})
	if err != nil {
		d.fail("API Gateway: %s", d.plain("apigateway:GET on /account", client.Options().Region, err))
		return
	}
	role := aws.ToString(account.CloudwatchRoleArn)
	switch {
	case d.logRoleGiven:
		if !d.AccountLogRole && role == "" {
			d.fail("API Gateway: the option accountLogRole is keep, and the account's region has no role for logs: leave the option out")
			return
		}
		d.ok("API Gateway: the role for logs as the option accountLogRole says; the account's region has %s", cmp.Or(role, "none"))
	case role == "" || own:
		d.contexts = append(d.contexts, "accountLogRole=create")
		d.ok("API Gateway: the stack makes the role by which logs are written in this region")
	default:
		d.contexts = append(d.contexts, "accountLogRole=keep")
		d.ok("API Gateway: writes logs by %s, which is kept", role)
	}
}

// lookAtTables finds tables of the stack's name that are not the stack's.
func (d *doctor) lookAtTables(ctx context.Context, client *dynamodb.Client, stack *types.Stack) {
	if stack != nil {
		return
	}
	var taken []string
	for _, t := range store.Schema() {
		name := d.Name + "-" + t.Name
		_, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if _, missing := errors.AsType[*dynamodbtypes.ResourceNotFoundException](err); missing {
			continue
		}
		if err != nil {
			d.fail("DynamoDB: %s", d.plain("dynamodb:DescribeTable", client.Options().Region, err))
			return
		}
		taken = append(taken, name)
	}
	switch {
	case len(taken) == 0:
		d.ok("DynamoDB: no table of the stack's names is there")
	case slices.Contains(d.arguments, importing):
		d.ok("DynamoDB: the stack takes in the tables %s, with what is in them", strings.Join(taken, ", "))
	default:
		d.fail("DynamoDB: the tables %s are there, and no stack %s: one before kept them. `make deploy ARGS=%s` takes them in, with what is in them; "+
			"`ARGS=\"-c name=…\"` makes another bus", strings.Join(taken, ", "), d.Name, importing)
	}
}

// plain says in one line why a request failed: the right that is missing, the service that the region does not have, or else the error.
func (d *doctor) plain(action, region string, err error) string {
	if err == nil {
		return "no answer to " + action
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		switch e.ErrorCode() {
		case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
			return "these credentials have no right " + action
		case "ExpiredToken", "ExpiredTokenException":
			return "the credentials have expired"
		case "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch":
			return fmt.Sprintf("AWS does not take these credentials (%s)", e.ErrorCode())
		}
		return fmt.Sprintf("%s: %s", e.ErrorCode(), oneLine(e.ErrorMessage()))
	}
	if strings.Contains(err.Error(), "no such host") {
		return fmt.Sprintf("the region %s has no such service, or there is no such region (%s)", region, action)
	}
	return oneLine(err.Error())
}

var whiteSpace = regexp.MustCompile(`\s+`)

func oneLine(text string) string { return whiteSpace.ReplaceAllString(text, " ") }

// nodeVersion asks the Node that is on the path.
func nodeVersion(ctx context.Context) (string, error) {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	out, err := exec.CommandContext(ctx, "node", "--version").Output()
	return string(out), err
}
