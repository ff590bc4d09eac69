package main

import (
	"encoding/json"
	"maps"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"nexus/localstack/mapping"
	localstack "nexus/localstack/stack"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// The tests below hold what is deployed to what runs locally: they start the local stack, ask it what it has, and read the template. Rights are compared
// in rights_test.go.

// local is a local stack that is asked only.
func local(t *testing.T) *localstack.Stack {
	t.Helper()
	s, err := localstack.Start(t.Context(), localstack.Config{Manual: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// inProcess makes an HTTP client of an emulated service.
type inProcess struct{ http.RoundTripper }

// Do implements the SDK's HTTPClient.
func (p inProcess) Do(r *http.Request) (*http.Response, error) { return p.RoundTrip(r) }

func clientConfig(of http.RoundTripper) aws.Config {
	return aws.Config{Region: localstack.Region, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""), HTTPClient: inProcess{of}}
}

func TestRoutesAreTheLocalStacks(t *testing.T) {
	tpl := loaded(t, standard)
	got := map[string]string{}
	for id, r := range tpl.of("AWS::ApiGatewayV2::Route") {
		integration, ok := strings.CutPrefix(as[string](t, r, "Target"), "integrations/<")
		if !ok || r.at("RouteResponseSelectionExpression") != nil {
			t.Errorf("%s: target %v, two-way %v", id, r.at("Target"), r.at("RouteResponseSelectionExpression"))
		}
		uri := as[string](t, tpl.Resources[strings.TrimSuffix(integration, ">")], "IntegrationUri")
		function := path.Base(strings.TrimSuffix(uri, ".Arn>/invocations"))
		got[as[string](t, r, "RouteKey")] = as[string](t, tpl.Resources[strings.TrimPrefix(function, "<")], "FunctionName")
	}
	want := map[string]string{}
	for key, r := range local(t).Routes {
		want[key] = localstack.TablePrefix + r.Function
	}
	if !maps.Equal(got, want) {
		t.Errorf("routes\n%v\nwant\n%v", got, want)
	}
	if most := 300; len(got) > most {
		t.Errorf("%d routes, API Gateway takes %d", len(got), most)
	}
}

// description is what the local stack and the template both say of a table.
type description struct {
	Attributes, Keys []string // "name type"
	Indexes          []string
	Stream, TTL      string
}

func TestTablesAreTheLocalStacks(t *testing.T) {
	want := localTables(t, local(t))
	got := map[string]description{}
	for _, r := range loaded(t, standard).of("AWS::DynamoDB::Table") {
		got[as[string](t, r, "TableName")] = deployedTable(t, r)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if !reflect.DeepEqual(got[name], want[name]) {
			t.Errorf("%s is\n%+v\nlocally\n%+v", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d tables, %d locally", len(got), len(want))
	}
}

func localTables(t *testing.T, s *localstack.Stack) map[string]description {
	t.Helper()
	db := dynamodb.NewFromConfig(clientConfig(s.Engine))
	list, err := db.ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	tables := map[string]description{}
	for _, name := range list.TableNames {
		out, err := db.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &name})
		if err != nil {
			t.Fatal(err)
		}
		ttl, err := db.DescribeTimeToLive(t.Context(), &dynamodb.DescribeTimeToLiveInput{TableName: &name})
		if err != nil {
			t.Fatal(err)
		}
		var d description
		for _, a := range out.Table.AttributeDefinitions {
			d.Attributes = append(d.Attributes, *a.AttributeName+" "+string(a.AttributeType))
		}
		d.Keys = localKeys(out.Table.KeySchema)
		for _, i := range out.Table.LocalSecondaryIndexes {
			d.Indexes = append(d.Indexes, index("local", *i.IndexName, localKeys(i.KeySchema), string(i.Projection.ProjectionType), i.Projection.NonKeyAttributes))
		}
		for _, i := range out.Table.GlobalSecondaryIndexes {
			d.Indexes = append(d.Indexes, index("global", *i.IndexName, localKeys(i.KeySchema), string(i.Projection.ProjectionType), i.Projection.NonKeyAttributes))
		}
		if s := out.Table.StreamSpecification; s != nil && aws.ToBool(s.StreamEnabled) {
			d.Stream = string(s.StreamViewType)
		}
		if t := ttl.TimeToLiveDescription; t.TimeToLiveStatus == types.TimeToLiveStatusEnabled {
			d.TTL = *t.AttributeName
		}
		tables[name] = d.sorted()
	}
	return tables
}

func localKeys(schema []types.KeySchemaElement) []string {
	var keys []string
	for _, k := range schema {
		keys = append(keys, *k.AttributeName+" "+string(k.KeyType))
	}
	return keys
}

// deployedKeys is a key schema as the template has it.
type deployedKeys []struct{ AttributeName, KeyType string }

func (schema deployedKeys) list() []string {
	var keys []string
	for _, k := range schema {
		keys = append(keys, k.AttributeName+" "+k.KeyType)
	}
	return keys
}

type deployedIndex struct {
	IndexName  string
	KeySchema  deployedKeys
	Projection struct {
		ProjectionType   string
		NonKeyAttributes []string
	}
}

func deployedTable(t *testing.T, r resource) description {
	t.Helper()
	var d description
	for _, a := range as[[]struct{ AttributeName, AttributeType string }](t, r, "AttributeDefinitions") {
		d.Attributes = append(d.Attributes, a.AttributeName+" "+a.AttributeType)
	}
	d.Keys = as[deployedKeys](t, r, "KeySchema").list()
	for _, kind := range []string{"Local", "Global"} {
		for _, i := range as[[]deployedIndex](t, r, kind+"SecondaryIndexes") {
			d.Indexes = append(d.Indexes, index(strings.ToLower(kind), i.IndexName, i.KeySchema.list(), i.Projection.ProjectionType, i.Projection.NonKeyAttributes))
		}
	}
	d.Stream = as[string](t, r, "StreamSpecification.StreamViewType")
	if as[bool](t, r, "TimeToLiveSpecification.Enabled") {
		d.TTL = as[string](t, r, "TimeToLiveSpecification.AttributeName")
	}
	return d.sorted()
}

func index(kind, name string, keys []string, projection string, attributes []string) string {
	return strings.Join([]string{kind, name, strings.Join(keys, ","), projection, strings.Join(attributes, ",")}, " ")
}

// sorted puts in order what has none.
func (d description) sorted() description {
	slices.Sort(d.Attributes)
	slices.Sort(d.Indexes)
	return d
}

func TestStreamsAreTheLocalStacks(t *testing.T) {
	tpl := loaded(t, standard)
	got, patterns := map[string]mapping.Stream{}, map[string][]string{}
	for id, r := range tpl.of("AWS::Lambda::EventSourceMapping") {
		table, stream := strings.CutSuffix(as[string](t, r, "EventSourceArn"), ".StreamArn>")
		if !stream {
			continue
		}
		s := mapping.Stream{Table: as[string](t, tpl.Resources[table[1:]], "TableName"), Function: functionOf(t, tpl, r),
			BatchSize: as[int](t, r, "BatchSize"), Window: time.Duration(as[int](t, r, "MaximumBatchingWindowInSeconds")) * time.Second,
			ParallelizationFactor: as[int](t, r, "ParallelizationFactor"), MaximumRetryAttempts: as[int](t, r, "MaximumRetryAttempts"),
			MaximumRecordAge: time.Duration(as[int](t, r, "MaximumRecordAgeInSeconds")) * time.Second, BisectOnError: as[bool](t, r, "BisectBatchOnFunctionError"),
			ReportBatchItemFailures: reports(t, r)}
		if position := as[string](t, r, "StartingPosition"); position != mapping.TrimHorizon { // which the local stack's is by default
			t.Errorf("%s starts at %s", id, position)
		}
		s.OnFailure = as[string](t, r, "DestinationConfig.OnFailure.Destination")
		var filters []string
		for _, f := range as[[]struct{ Pattern string }](t, r, "FilterCriteria.Filters") {
			filters = append(filters, f.Pattern)
		}
		patterns[s.Table] = filters
		got[s.Table] = s
	}
	s := local(t)
	want := map[string]mapping.Stream{}
	for _, m := range s.Sources.Mappings {
		if path.Base(m.OnFailure) == localstack.TablePrefix+"dead-letters" {
			m.OnFailure = "<DeadLetters.Arn>"
		}
		var filters []string
		for _, f := range m.Filters {
			filters = append(filters, f.String())
		}
		if !slices.Equal(patterns[m.Table], filters) {
			t.Errorf("%s is filtered by %v, locally %v", m.Table, patterns[m.Table], filters)
		}
		m.Filters = nil // compared
		want[m.Table] = m
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("streams\n%+v\nlocally\n%+v", got, want)
	}
}

func functionOf(t *testing.T, tpl template, mapping resource) string {
	t.Helper()
	id := strings.Trim(as[string](t, mapping, "FunctionName"), "<>")
	return strings.TrimPrefix(as[string](t, tpl.Resources[id], "FunctionName"), localstack.TablePrefix)
}

func reports(t *testing.T, mapping resource) bool {
	return slices.Equal(as[[]string](t, mapping, "FunctionResponseTypes"), []string{"ReportBatchItemFailures"})
}

func TestQueuesAreTheLocalStacks(t *testing.T) {
	tpl, s := loaded(t, standard), local(t)
	client := sqs.NewFromConfig(clientConfig(s.Queues), func(o *sqs.Options) { o.BaseEndpoint = aws.String(s.Env["AWS_ENDPOINT_URL"]) })
	for id, url := range map[string]string{"Timer": s.Env[handler.EnvQueueURL], "DeadLetters": s.Env[handler.EnvDeadLetters]} {
		out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []sqstypes.QueueAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		r := tpl.Resources[id]
		number := func(name, standard string) string {
			if v := r.at(name); v != nil {
				return strconv.Itoa(as[int](t, r, name))
			}
			return standard
		}
		for name, got := range map[string]string{"VisibilityTimeout": number("VisibilityTimeout", "30"), "DelaySeconds": number("DelaySeconds", "0"),
			"MessageRetentionPeriod": number("MessageRetentionPeriod", "345600")} { // SQS' own where the template says nothing
			if want := out.Attributes[name]; got != want {
				t.Errorf("%s: %s is %s, locally %s", id, name, got, want)
			}
		}
		if got, want := as[string](t, r, "QueueName"), path.Base(url); got != want {
			t.Errorf("%s is %s, locally %s", id, got, want)
		}
		var redrive struct {
			DeadLetterTargetArn string
			MaxReceiveCount     int
		}
		if policy := out.Attributes["RedrivePolicy"]; policy != "" {
			if err := json.Unmarshal([]byte(policy), &redrive); err != nil {
				t.Fatal(err)
			}
		}
		if got := as[int](t, r, "RedrivePolicy.maxReceiveCount"); got != redrive.MaxReceiveCount {
			t.Errorf("%s: %d receives, locally %d", id, got, redrive.MaxReceiveCount)
		}
		got := as[string](t, r, "RedrivePolicy.deadLetterTargetArn") == "<DeadLetters.Arn>"
		if want := strings.HasSuffix(redrive.DeadLetterTargetArn, ":"+localstack.TablePrefix+"dead-letters"); got != want {
			t.Errorf("%s: dead letters %t, locally %t", id, got, want)
		}
	}
	var got []mapping.Queue
	for _, r := range tpl.of("AWS::Lambda::EventSourceMapping") {
		if as[string](t, r, "EventSourceArn") == "<Timer.Arn>" {
			got = append(got, mapping.Queue{QueueURL: s.Env[handler.EnvQueueURL], Function: functionOf(t, tpl, r), BatchSize: as[int](t, r, "BatchSize"),
				Window: time.Duration(as[int](t, r, "MaximumBatchingWindowInSeconds")) * time.Second, ReportBatchItemFailures: reports(t, r),
				MaximumConcurrency: as[int](t, r, "ScalingConfig.MaximumConcurrency")})
		}
	}
	if !reflect.DeepEqual(got, s.Sources.Queues) {
		t.Errorf("mappings of queues %+v, locally %+v", got, s.Sources.Queues)
	}
}

func TestSchedulesAreTheLocalStacks(t *testing.T) {
	tpl := loaded(t, standard)
	var got []mapping.Schedule
	for id, r := range tpl.of("AWS::Events::Rule") {
		targets := as[[]struct{ Arn string }](t, r, "Targets")
		every, err := time.ParseDuration(strings.NewReplacer("rate(", "", " minutes)", "m", " minute)", "m").Replace(as[string](t, r, "ScheduleExpression")))
		if err != nil || len(targets) != 1 {
			t.Fatalf("%s: %v, %d targets", id, err, len(targets))
		}
		function := tpl.Resources[strings.Trim(strings.TrimSuffix(targets[0].Arn, ".Arn>"), "<")]
		got = append(got, mapping.Schedule{Name: strings.TrimPrefix(as[string](t, r, "Name"), localstack.TablePrefix), Every: every,
			Function: strings.TrimPrefix(as[string](t, function, "FunctionName"), localstack.TablePrefix)})
	}
	if want := local(t).Sources.Schedules; !reflect.DeepEqual(got, want) {
		t.Errorf("schedules %+v, locally %+v", got, want)
	}
}

// Functions are told the same, but where AWS is, which is the SDK's own, and how much to log.
func TestEnvironmentIsTheLocalStacks(t *testing.T) {
	tpl, s := loaded(t, standard), local(t)
	want := maps.Clone(s.Env)
	delete(want, "AWS_ENDPOINT_URL")
	for name, value := range map[string]string{handler.EnvQueueURL: "<Timer>", handler.EnvDeadLetters: "<DeadLetters>"} {
		if id := strings.Trim(value, "<>"); path.Base(want[name]) == as[string](t, tpl.Resources[id], "QueueName") {
			want[name] = value
		}
	}
	for name, stage := range map[string]string{handler.EnvCallbackV0: nexus.V0, handler.EnvCallbackV1: nexus.V1} {
		if want[name] == s.Env["AWS_ENDPOINT_URL"]+"/"+stage {
			want[name] = "https://<Api>.execute-api.<AWS::Region>.<AWS::URLSuffix>/" + stage
		}
	}
	want[handler.EnvLogLevel] = "INFO"
	for _, function := range append(nexus.Functions(), nexus.FunctionSetup) {
		if got := as[map[string]string](t, tpl.Resources[functionID(function)], "Environment.Variables"); !maps.Equal(got, want) {
			t.Errorf("%s is told\n%v\nlocally\n%v", function, got, want)
		}
	}
	// It is what functions start with.
	if _, err := handler.Settings(func(name string) string {
		return strings.NewReplacer("<", "", ">", "", "AWS::", "").Replace(deployedURL(want[name]))
	}); err != nil {
		t.Error(err)
	}
}

// deployedURL stands for a queue's URL, which CloudFormation puts in.
func deployedURL(value string) string {
	if strings.HasPrefix(value, "<") {
		return "https://sqs.invalid/" + value
	}
	return value
}
