package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// account is what the doctor asks of AWS. The zero value is a used account without a bus.
type account struct {
	free, all int               // concurrent executions; 1,000 where 0
	role      string            // API Gateway's, for logs
	stack     string            // the stack's status; empty: there is none
	made      bool              // the stack made the role
	tables    []string          // that are there
	refused   map[string]string // by service: an error code
}

// Do implements the SDK's HTTPClient: it answers as the services do.
func (a account) Do(r *http.Request) (*http.Response, error) {
	service := strings.Split(r.Header.Get("Authorization"), "/")[3]
	body := ""
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(text)
	}
	status, header, answer := http.StatusOK, http.Header{}, ""
	refuse := func(code, message string) {
		status = http.StatusBadRequest
		header.Set("X-Amzn-Errortype", code)
		answer = fmt.Sprintf(`{"__type":%q,"message":%q}`, code, message)
		if service == "sts" || service == "cloudformation" {
			answer = fmt.Sprintf(`<ErrorResponse><Error><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>`, code, message)
		}
	}
	switch code := a.refused[service]; {
	case code == "no such host":
		return nil, errors.New("dial tcp: lookup x: no such host")
	case code != "":
		refuse(code, "User:\n is not authorized")
	case service == "sts":
		answer = `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ann</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>`
	case service == "lambda":
		all := max(a.all, 1000)
		if a.all > 0 {
			all = a.all
		}
		free := all
		if a.free > 0 {
			free = a.free
		}
		answer = fmt.Sprintf(`{"AccountLimit":{"ConcurrentExecutions":%d,"UnreservedConcurrentExecutions":%d}}`, all, free)
	case service == "apigateway":
		answer = "{}"
		if a.role != "" {
			answer = fmt.Sprintf(`{"cloudwatchRoleArn":%q}`, a.role)
		}
	case service == "cloudformation" && a.stack == "":
		refuse("ValidationError", "Stack with id nexus does not exist")
	case service == "cloudformation" && strings.Contains(body, "Action=DescribeStackResource&"):
		if answer = `<DescribeStackResourceResponse><DescribeStackResourceResult/></DescribeStackResourceResponse>`; !a.made {
			refuse("ValidationError", "Resource AccountLogRole does not exist for stack nexus")
		}
	case service == "cloudformation":
		answer = `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>nexus</StackName><CreationTime>2026-11-01T00:00:00Z</CreationTime><StackStatus>` +
			a.stack + `</StackStatus><StackStatusReason>because</StackStatusReason></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`
	case service == "dynamodb":
		answer = "{}"
		if !slices.ContainsFunc(a.tables, func(name string) bool { return strings.Contains(body, `"`+name+`"`) }) {
			refuse("ResourceNotFoundException", "not found")
		}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// Each line that the doctor may write, and whether a deployment goes on after it.
func TestDoctor(t *testing.T) {
	role := "arn:aws:iam::123456789012:role/other"
	all := []string{"nexus-bodies", "nexus-tasks"}
	for name, c := range map[string]struct {
		account
		options map[string]string
		args    []string
		region  string // eu-west-1 where empty, none where "-"
		node    string // v22.1.0 where empty
		sick    bool
		says    string // a regular expression
		context []string
	}{
		"a used account": {says: `(?m)^ok +Node 22\nok +credentials of arn:aws:iam::123456789012:user/ann, region eu-west-1\nok +Lambda: 1000 .*\nok +CloudFormation: there is no stack nexus yet\nok +API Gateway: the stack makes.*\nok +DynamoDB: no table.*\n$`,
			context: []string{"accountLogRole=create"}},
		"a new account":         {account: account{all: 10}, says: `warning +Lambda: 10 concurrent executions of the account's 10 are free\. New accounts may have 10`, context: []string{"accountLogRole=create"}},
		"too much reserved":     {account: account{all: 200, free: 150}, options: map[string]string{"reservedConcurrency": "task=60"}, sick: true, says: `FAILED +Lambda: .* asks for 60 executions; of the account's 200 there are 150 free`},
		"old Node":              {node: "v18.0.0", sick: true, says: `FAILED +Node 18`},
		"Node of yesterday":     {node: "v20.20.2", says: `warning +Node 20`, context: []string{"accountLogRole=create"}},
		"no Node":               {node: "-", sick: true, says: `FAILED +Node: there is none`},
		"no region":             {region: "-", sick: true, says: `FAILED +region: none is set`},
		"wrong credentials":     {account: account{refused: map[string]string{"sts": "InvalidClientTokenId"}}, sick: true, says: `FAILED +credentials: AWS does not take these`},
		"expired credentials":   {account: account{refused: map[string]string{"sts": "ExpiredToken"}}, sick: true, says: `FAILED +credentials: the credentials have expired`},
		"no such region":        {account: account{refused: map[string]string{"sts": "no such host"}}, sick: true, says: `FAILED +credentials: the region eu-west-1 has no such service, or there is no such region`},
		"a right is missing":    {account: account{refused: map[string]string{"lambda": "AccessDeniedException"}}, sick: true, says: `FAILED +Lambda: these credentials have no right lambda:GetAccountSettings\n`},
		"another is missing":    {account: account{refused: map[string]string{"cloudformation": "AccessDenied"}}, sick: true, says: `FAILED +CloudFormation: these credentials have no right cloudformation:DescribeStacks\n`},
		"a third":               {account: account{refused: map[string]string{"apigateway": "AccessDeniedException"}}, sick: true, says: `FAILED +API Gateway: these credentials have no right apigateway:GET on /account\n`},
		"a fourth":              {account: account{refused: map[string]string{"dynamodb": "AccessDeniedException"}}, sick: true, says: `FAILED +DynamoDB: these credentials have no right dynamodb:DescribeTable\n`},
		"a service not there":   {account: account{refused: map[string]string{"apigateway": "no such host"}}, sick: true, says: `FAILED +API Gateway: the region eu-west-1 has no such service`},
		"another's role":        {account: account{role: role}, says: `ok +API Gateway: writes logs by ` + role + `, which is kept`, context: []string{"accountLogRole=keep"}},
		"the stack's own role":  {account: account{role: role, stack: "UPDATE_COMPLETE", made: true}, says: `the stack makes the role`, context: []string{"accountLogRole=create"}},
		"a role of before":      {account: account{role: role, stack: "UPDATE_COMPLETE"}, says: `which is kept`, context: []string{"accountLogRole=keep"}},
		"a role that went":      {account: account{stack: "UPDATE_COMPLETE"}, says: `the stack makes the role`, context: []string{"accountLogRole=create"}},
		"the user says create":  {account: account{role: role}, options: map[string]string{"accountLogRole": "create"}, says: `as the option accountLogRole says`},
		"the user says keep":    {options: map[string]string{"accountLogRole": "keep"}, sick: true, says: `FAILED +API Gateway: the option accountLogRole is keep, and the account's region has no role`},
		"an update":             {account: account{stack: "CREATE_COMPLETE", tables: all}, says: `is there \(CREATE_COMPLETE\), and is updated`, context: []string{"accountLogRole=create"}},
		"one under way":         {account: account{stack: "UPDATE_IN_PROGRESS"}, sick: true, says: `FAILED +CloudFormation: the stack nexus is being changed`},
		"stuck":                 {account: account{stack: "UPDATE_ROLLBACK_FAILED"}, sick: true, says: `FAILED +CloudFormation: the stack nexus is stuck \(UPDATE_ROLLBACK_FAILED: because\)`},
		"failed half-way":       {account: account{stack: "ROLLBACK_COMPLETE", tables: all}, sick: true, says: `was not made \(ROLLBACK_COMPLETE\)(.|\n)*FAILED +DynamoDB: the tables nexus-tasks, nexus-bodies are there, and no stack nexus.*make deploy ARGS=--import-existing-resources`},
		"repeated":              {account: account{stack: "ROLLBACK_COMPLETE", tables: all}, args: []string{importing}, says: `ok +DynamoDB: the stack takes in the tables nexus-tasks, nexus-bodies`, context: []string{"accountLogRole=create"}},
		"names that were kept":  {account: account{tables: all}, sick: true, says: `FAILED +DynamoDB: the tables`},
		"another bus' are none": {account: account{tables: all}, options: map[string]string{"name": "bus"}, says: `no table of the stack's names`, context: []string{"accountLogRole=create"}},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := ParseOptions(c.options)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			region := map[string]string{"": "eu-west-1", "-": ""}[c.region]
			d := &doctor{Options: o, logRoleGiven: c.options["accountLogRole"] != "", arguments: c.args, out: &out,
				node: func(context.Context) (string, error) {
					if c.node == "-" {
						return "", errors.New("not found")
					}
					return map[bool]string{true: "v22.1.0\n", false: c.node + "\n"}[c.node == ""], nil
				},
				config: func(context.Context) (aws.Config, error) {
					return aws.Config{Region: region, HTTPClient: c.account, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""),
						Retryer: func() aws.Retryer { return retry.AddWithMaxAttempts(retry.NewStandard(), 1) }}, nil
				}}
			got, err := d.look(t.Context())
			if sick := errors.Is(err, errSick); sick != c.sick || err != nil && !sick || !reflect.DeepEqual(got, c.context) {
				t.Errorf("context %q, error %v; want %q, sick: %v", got, err, c.context, c.sick)
			}
			if !regexp.MustCompile(c.says).MatchString(out.String()) {
				t.Errorf("it says\n%s\nnot %s", out.String(), c.says)
			}
			for line := range strings.Lines(out.String()) {
				if !regexp.MustCompile(`^(ok     |warning|FAILED )  \S`).MatchString(line) {
					t.Errorf("a line %q", line)
				}
			}
		})
	}
}

// The doctor reads the CDK's arguments as the CDK does.
func TestReadArguments(t *testing.T) {
	for line, want := range map[string]struct {
		given   map[string]string
		profile string
		bad     string
	}{
		"": {given: map[string]string{}},
		"--require-approval never -c name=bus --context rate=5 --context=burst=6 --profile ann": {given: map[string]string{"name": "bus", "rate": "5", "burst": "6"}, profile: "ann"},
		"-c taskShards=a.b.=4": {given: map[string]string{"taskShards": "a.b.=4"}},
		"-c":                   {bad: "nothing follows"},
		"-c name":              {bad: "not of the form"},
		"-c name=a -c name=b":  {bad: "the option name is given twice, as a and as b"},
	} {
		given, profile, err := readArguments(strings.Fields(line))
		if want.bad != "" {
			if err == nil || !strings.Contains(err.Error(), want.bad) {
				t.Errorf("%q: %v, want %s", line, err, want.bad)
			}
			continue
		}
		if err != nil || !reflect.DeepEqual(given, want.given) || profile != want.profile {
			t.Errorf("%q: %v, %q, %v", line, given, profile, err)
		}
	}
}
