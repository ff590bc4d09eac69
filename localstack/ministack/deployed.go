package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"nexus/localstack/emulator"
	"nexus/pkg/nexus"
	"nexus/pkg/store"
)

// deployed looks at what a deployment made, by the emulator's own account of it, and compares it with what the bus declares.
type deployed struct {
	miniStack
	prefix  string // of names
	api     string // its id
	streams map[string]string
	differ  []error
}

// look returns what there is in words, and how it differs from what should be.
func look(ctx context.Context, m miniStack, api string) (string, error) {
	d := &deployed{miniStack: m, prefix: emulator.StackName + "-", api: api, streams: map[string]string{}}
	for _, part := range []func(context.Context) error{d.tables, d.functions, d.mappings, d.routes, d.schedule} {
		if err := part(ctx); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf(
		"%d tables with their indexes, streams, time to live and point-in-time recovery; %d functions; %d mappings; %d routes; the schedule",
		len(store.Schema()), len(nexus.Functions())+1, len(nexus.Streams())+1, len(nexus.Routes())), errors.Join(d.differ...)
}

// same notes a difference. What is compared is put in words first, so that the difference can be read.
func (d *deployed) same(what, got, want string) {
	if got != want {
		d.differ = append(d.differ, fmt.Errorf("%s:\n  deployed %s\n  declared %s", what, got, want))
	}
}

type (
	keySchema []struct{ AttributeName string }
	index     struct {
		IndexName  string
		KeySchema  keySchema
		Projection struct{ NonKeyAttributes []string }
	}
	table struct {
		KeySchema              keySchema
		LocalSecondaryIndexes  []index
		GlobalSecondaryIndexes []index
		StreamSpecification    struct{ StreamViewType string }
		LatestStreamArn        string
		BillingModeSummary     struct{ BillingMode string }
	}
)

func (k keySchema) String() string {
	var names []string
	for _, a := range k {
		names = append(names, a.AttributeName)
	}
	return strings.Join(names, "+")
}

func tableInWords(key, billing, stream string, local, global []string, ttl, recovery string) string {
	return fmt.Sprintf("key %s, %s, stream %s, local %v, global %v, expires by %s, point-in-time recovery %s",
		key, billing, stream, local, global, ttl, recovery)
}

func indexInWords(name, key string, include []string) string {
	return fmt.Sprintf("%s: %s %v", name, key, include)
}

func (t table) inWords(ttl, recovery string) string {
	var local, global []string
	for _, i := range t.LocalSecondaryIndexes {
		local = append(local, indexInWords(i.IndexName, i.KeySchema.String(), i.Projection.NonKeyAttributes))
	}
	for _, i := range t.GlobalSecondaryIndexes {
		global = append(global, indexInWords(i.IndexName, i.KeySchema.String(), i.Projection.NonKeyAttributes))
	}
	return tableInWords(t.KeySchema.String(), t.BillingModeSummary.BillingMode, t.StreamSpecification.StreamViewType, local, global, ttl, recovery)
}

func declaredInWords(t store.Table) string {
	var local, global []string
	for _, i := range t.Local {
		local = append(local, indexInWords(i.Name, t.Partition+"+"+i.Sort, i.Include))
	}
	for _, i := range t.Global {
		global = append(global, indexInWords(i.Name, i.Partition+"+"+i.Sort, i.Include))
	}
	key, ttl := t.Partition, ""
	if t.Sort != "" {
		key += "+" + t.Sort
	}
	if t.TTL {
		ttl = store.AttrExpires
	}
	return tableInWords(key, "PAY_PER_REQUEST", string(t.Stream), local, global, ttl, "ENABLED")
}

func (d *deployed) tables(ctx context.Context) error {
	for _, declared := range store.Schema() {
		var got struct{ Table table }
		var live struct {
			TimeToLiveDescription struct{ AttributeName, TimeToLiveStatus string }
		}
		var backups struct {
			ContinuousBackupsDescription struct {
				PointInTimeRecoveryDescription struct{ PointInTimeRecoveryStatus string }
			}
		}
		name := d.prefix + declared.Name
		if err := errors.Join(d.describe(ctx, "DescribeTable", name, &got), d.describe(ctx, "DescribeTimeToLive", name, &live),
			d.describe(ctx, "DescribeContinuousBackups", name, &backups)); err != nil {
			return err
		}
		ttl := live.TimeToLiveDescription
		if ttl.TimeToLiveStatus != "ENABLED" {
			ttl.AttributeName = ""
		}
		recovery := backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus
		d.same("table "+name, got.Table.inWords(ttl.AttributeName, recovery), declaredInWords(declared))
		d.streams[declared.Name] = got.Table.LatestStreamArn
	}
	return nil
}

func (d *deployed) functions(ctx context.Context) error {
	for _, name := range append(nexus.Functions(), nexus.FunctionSetup) {
		var got struct {
			Runtime       string
			Timeout       int
			Architectures []string
		}
		if err := d.get(ctx, "lambda", "/2015-03-31/functions/"+d.prefix+name+"/configuration", &got); err != nil {
			return err
		}
		d.same("function "+name, fmt.Sprint(got), fmt.Sprintf("{provided.al2023 %.0f [arm64]}", nexus.FunctionTimeout.Seconds()))
	}
	return nil
}

type mapping struct {
	EventSourceArn, FunctionArn    string
	StartingPosition               string
	BatchSize                      int
	MaximumBatchingWindowInSeconds int
	MaximumRetryAttempts           int
	MaximumRecordAgeInSeconds      int
	ParallelizationFactor          int
	BisectBatchOnFunctionError     bool
	FunctionResponseTypes          []string
	FilterCriteria                 struct{ Filters []struct{ Pattern string } }
	DestinationConfig              struct{ OnFailure struct{ Destination string } }
	LastProcessingResult           string
}

// mappings are those of streams and queue, by the function that each gives its records to.
func (m miniStack) mappings(ctx context.Context) ([]mapping, error) {
	var got struct{ EventSourceMappings []mapping }
	err := m.get(ctx, "lambda", "/2015-03-31/event-source-mappings/", &got)
	return got.EventSourceMappings, err
}

func (m mapping) inWords() string {
	m.LastProcessingResult = ""
	return fmt.Sprintf("%+v", m)
}

func (d *deployed) mappings(ctx context.Context) error {
	got, err := d.miniStack.mappings(ctx)
	if err != nil {
		return err
	}
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":" + emulator.Region + ":" + emulator.Account + ":" + resource
	}
	queue := mapping{EventSourceArn: arn("sqs", d.prefix+"timer"), FunctionArn: arn("lambda", "function:"+d.prefix+nexus.FunctionTimer),
		BatchSize: nexus.TimerBatch, FunctionResponseTypes: []string{"ReportBatchItemFailures"}}
	declared := map[string]mapping{queue.EventSourceArn: queue}
	for _, s := range nexus.Streams() {
		m := mapping{EventSourceArn: d.streams[s.Table], FunctionArn: arn("lambda", "function:"+d.prefix+s.Function), StartingPosition: "TRIM_HORIZON",
			BatchSize: s.BatchSize, MaximumBatchingWindowInSeconds: int(s.Window.Seconds()), MaximumRetryAttempts: s.Retries,
			MaximumRecordAgeInSeconds: int(s.MaxAge.Seconds()), ParallelizationFactor: s.Parallel, BisectBatchOnFunctionError: true,
			FunctionResponseTypes: []string{"ReportBatchItemFailures"}}
		for _, f := range s.Filters {
			m.FilterCriteria.Filters = append(m.FilterCriteria.Filters, struct{ Pattern string }{f})
		}
		m.DestinationConfig.OnFailure.Destination = arn("sqs", d.prefix+"dead-letters")
		declared[m.EventSourceArn] = m
	}
	for _, m := range got {
		if m.EventSourceArn == queue.EventSourceArn {
			m.StartingPosition = "" // the emulator gives queues one
		}
		d.same("mapping of "+m.EventSourceArn, m.inWords(), declared[m.EventSourceArn].inWords())
		delete(declared, m.EventSourceArn)
	}
	for _, source := range slices.Sorted(maps.Keys(declared)) {
		d.same("mapping of "+source, "none", declared[source].inWords())
	}
	return nil
}

func (d *deployed) routes(ctx context.Context) error {
	var routes struct {
		Items []struct{ RouteKey, Target string }
	}
	var integrations struct {
		Items []struct{ IntegrationID, IntegrationURI string }
	}
	var stages struct{ Items []struct{ StageName string } }
	base := "/v2/apis/" + d.api
	if err := errors.Join(d.get(ctx, "apigateway", base+"/routes", &routes), d.get(ctx, "apigateway", base+"/integrations", &integrations),
		d.get(ctx, "apigateway", base+"/stages", &stages)); err != nil {
		return err
	}
	function := map[string]string{}
	for _, i := range integrations.Items {
		_, name, _ := strings.Cut(i.IntegrationURI, ":function:"+d.prefix)
		function["integrations/"+i.IntegrationID] = strings.TrimSuffix(name, "/invocations")
	}
	var got, want, gotStages []string
	for _, r := range routes.Items {
		got = append(got, r.RouteKey+" to "+function[r.Target])
	}
	for _, r := range nexus.Routes() {
		want = append(want, r.Key+" to "+r.Function)
	}
	for _, s := range stages.Items {
		gotStages = append(gotStages, s.StageName)
	}
	for _, all := range [][]string{got, want, gotStages} {
		slices.Sort(all)
	}
	d.same("routes", strings.Join(got, ", "), strings.Join(want, ", "))
	d.same("stages", fmt.Sprint(gotStages), fmt.Sprint(nexus.Stages()))
	return nil
}

func (d *deployed) schedule(ctx context.Context) error {
	var rules struct {
		Rules []struct{ Name, ScheduleExpression, State string }
	}
	if err := d.Call(ctx, "events", "AWSEvents.ListRules", map[string]any{}, &rules); err != nil {
		return err
	}
	d.same("schedules", fmt.Sprint(rules.Rules), fmt.Sprintf("[{%swatchdog rate(%.0f minute) ENABLED}]", d.prefix, nexus.SweepEvery.Minutes()))
	return nil
}
