package main

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"nexus/pkg/nexus"
	"nexus/pkg/store"
)

func TestFunctions(t *testing.T) {
	plain, all := loaded(t, standard), loaded(t, full)
	if got, want := len(plain.of("AWS::Lambda::Function")), len(nexus.Functions())+1; got != want {
		t.Errorf("%d functions, want %d", got, want)
	}
	for _, name := range append(nexus.Functions(), nexus.FunctionSetup) {
		memory := 256
		if name == "sys" || name == "user" || name == "setup" {
			memory = 512
		}
		var loop any
		if name == "timer" { // a far deadline is a chain of its messages
			loop = "Allow"
		}
		want(t, name, plain.Resources[functionID(name)], map[string]any{
			"RecursiveLoop": loop,
			"FunctionName":  "nexus-" + name, "Architectures": []string{"arm64"}, "Runtime": "provided.al2023", "Handler": "bootstrap", "Timeout": 10,
			"MemorySize": memory, "Role": "<Role" + title(name) + ".Arn>", "LoggingConfig.LogGroup": "<Logs" + title(name) + ">",
			"LoggingConfig.LogFormat": "JSON", "LoggingConfig.SystemLogLevel": "WARN", "LoggingConfig.ApplicationLogLevel": "TRACE", "ReservedConcurrentExecutions": nil,
			"Environment.Variables.NEXUS_LOG_LEVEL": "INFO", "Environment.Variables.NEXUS_TASK_SHARDS": nil, "Environment.Variables.NEXUS_FANOUT_RATE": nil,
			"Environment.Variables.NEXUS_LOGIN_WITHIN": nil, "Environment.Variables.NEXUS_LOGIN_TASKS": nil,
			"Environment.Variables.NEXUS_ACCESS":            nil,
			"Environment.Variables.NEXUS_PIPES_PER_SESSION": nil, "Environment.Variables.NEXUS_PIPE_UNREAD_BYTES": nil, "Environment.Variables.NEXUS_PIPE_READS": nil,
		})
		reserved := map[string]any{"task": 100, "timer": 10}[name]
		want(t, name, all.Resources[functionID(name)], map[string]any{
			"FunctionName": "bus-" + name, "ReservedConcurrentExecutions": reserved, "Environment.Variables.NEXUS_TABLE_PREFIX": "bus-",
			"Environment.Variables.NEXUS_LOG_LEVEL": "DEBUG", "Environment.Variables.NEXUS_TASK_SHARDS": "a.b.=4", "Environment.Variables.NEXUS_FANOUT_RATE": "50",
			"Environment.Variables.NEXUS_LOGIN_WITHIN": "60", "Environment.Variables.NEXUS_LOGIN_TASKS": "70",
			"Environment.Variables.NEXUS_ACCESS":            "closed",
			"Environment.Variables.NEXUS_PIPES_PER_SESSION": "20", "Environment.Variables.NEXUS_PIPE_UNREAD_BYTES": "1000000",
			"Environment.Variables.NEXUS_PIPE_READS": "4",
			// API Gateway's host, whatever clients use.
			"Environment.Variables.NEXUS_CALLBACK_V0": "https://<Api>.execute-api.<AWS::Region>.<AWS::URLSuffix>/v0",
			"Environment.Variables.NEXUS_CALLBACK_V1": "https://<Api>.execute-api.<AWS::Region>.<AWS::URLSuffix>/v1",
		})
	}
}

// Each function has a log group of its own, and no log is kept for ever.
func TestLogs(t *testing.T) {
	plain := loaded(t, standard)
	groups := plain.of("AWS::Logs::LogGroup")
	if got, want := len(groups), len(nexus.Functions())+2; got != want {
		t.Errorf("%d log groups, want %d: one per function, one of the API", got, want)
	}
	for id, group := range groups {
		want(t, id, group, map[string]any{"RetentionInDays": 30})
	}
	for _, name := range append(nexus.Functions(), nexus.FunctionSetup) {
		want(t, name, groups["Logs"+title(name)], map[string]any{"LogGroupName": "/aws/lambda/nexus-" + name})
	}
}

func TestTables(t *testing.T) {
	plain, all := loaded(t, standard), loaded(t, full)
	if got, want := len(plain.of("AWS::DynamoDB::Table")), len(store.Schema()); got != want {
		t.Errorf("%d tables, want %d", got, want)
	}
	streams := map[string]any{"pipes": "KEYS_ONLY", "tasks": "KEYS_ONLY", "topics": "NEW_IMAGE"}
	for _, table := range store.Schema() {
		id := "Table" + title(table.Name)
		ttl := any("exp")
		if table.Name == "users" {
			ttl = nil
		}
		r := plain.Resources[id]
		want(t, id, r, map[string]any{
			"TableName": "nexus-" + table.Name, "BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": true, "SSESpecification.SSEEnabled": false,
			"PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled": true, "StreamSpecification.StreamViewType": streams[table.Name],
			"TimeToLiveSpecification.AttributeName": ttl,
		})
		if r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
			t.Errorf("%s: %s, %s", id, r.DeletionPolicy, r.UpdateReplacePolicy)
		}
		r = all.Resources[id]
		want(t, id, r, map[string]any{"TableName": "bus-" + table.Name, "DeletionProtectionEnabled": false})
		if r.DeletionPolicy != "Delete" || r.UpdateReplacePolicy != "Delete" {
			t.Errorf("%s, removal=destroy: %s, %s", id, r.DeletionPolicy, r.UpdateReplacePolicy)
		}
	}
}

// What must not go with the stack, unless told so: tables (above) and the password. The account's log role never goes: other APIs write by it.
func TestWhatOutlivesTheStack(t *testing.T) {
	for name, of := range map[string]func() (template, error){"retain": standard, "destroy": full} {
		tpl := loaded(t, of)
		for id, r := range tpl.Resources {
			want := "Delete"
			switch {
			case id == "Account" || id == "AccountLogRole" || name == "retain" && r.Type == "AWS::DynamoDB::Table":
				want = "Retain"
			case name == "retain" && r.Type == "AWS::SecretsManager::Secret":
				want = "RetainExceptOnCreate"
			}
			if cmp.Or(r.DeletionPolicy, "Delete") != want {
				t.Errorf("removal=%s: %s has the deletion policy %q", name, id, r.DeletionPolicy)
			}
		}
	}
}

func TestStages(t *testing.T) {
	for rate, of := range map[int]func() (template, error){200: standard, 50: full} {
		tpl := loaded(t, of)
		burst := map[int]int{200: 400, 50: 20}[rate]
		if got := len(tpl.of("AWS::ApiGatewayV2::Stage")); got != len(nexus.Stages()) {
			t.Errorf("%d stages", got)
		}
		for _, name := range nexus.Stages() {
			id := "Stage" + title(name)
			want(t, id, tpl.Resources[id], map[string]any{"StageName": name, "AutoDeploy": true, "DefaultRouteSettings.ThrottlingRateLimit": rate,
				"DefaultRouteSettings.ThrottlingBurstLimit": burst, "DefaultRouteSettings.DataTraceEnabled": false,
				"AccessLogSettings.DestinationArn": "arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:<LogsApi>"})
			checkThrottles(t, tpl.Resources[id], nexus.Throttle{Rate: float64(rate), Burst: burst})
			var line map[string]string
			if err := json.Unmarshal([]byte(as[string](t, tpl.Resources[id], "AccessLogSettings.Format")), &line); err != nil {
				t.Error(err)
			}
			if line["request"] != "$context.requestId" { // API Gateway wants it in each line
				t.Errorf("access log %v", line)
			}
			for field, variable := range line {
				if variable == "$context.status" || !strings.HasPrefix(variable, "$context.") {
					t.Errorf("access log: %s is %s", field, variable)
				}
			}
			// The stage is made once all that it deploys is there.
			after := tpl.Resources[id].DependsOn
			if got := len(after); got < len(nexus.Routes()) {
				t.Errorf("%s waits for %d resources", id, got)
			}
		}
	}
	// The region's role for logs must be there before a stage that writes any.
	for _, id := range []string{"StageV0", "StageV1"} {
		if after := loaded(t, standard).Resources[id].DependsOn; !slices.Contains(after, "Account") {
			t.Errorf("%s does not wait for the account's log role: %v", id, after)
		}
	}
	if _, there := loaded(t, full).Resources["Account"]; there {
		t.Error("accountLogRole=keep sets the account's role")
	}
}

// checkThrottles holds a stage to the list that the local gateway goes by.
func checkThrottles(t *testing.T, stage resource, rest nexus.Throttle) {
	t.Helper()
	settings := as[map[string]any](t, stage, "RouteSettings")
	for key, throttle := range nexus.Throttles(rest) {
		got, own := settings[key].(map[string]any)
		if throttle == rest {
			if own {
				t.Errorf("%s has %v, want the default", key, got)
			}
			continue
		}
		delete(settings, key)
		if got["ThrottlingRateLimit"] != throttle.Rate || got["ThrottlingBurstLimit"] != float64(throttle.Burst) || got["LoggingLevel"] != "OFF" ||
			got["DataTraceEnabled"] != false || got["DetailedMetricsEnabled"] != false {
			t.Errorf("%s has %v, want %+v", key, got, throttle)
		}
	}
	if len(settings) > 0 {
		t.Errorf("settings of routes that are not there, or have none of their own: %v", settings)
	}
}

func TestOutputs(t *testing.T) {
	plain, all := loaded(t, standard), loaded(t, full)
	const host = "<Api>.execute-api.<AWS::Region>.<AWS::URLSuffix>"
	for name, want := range map[string]string{"UrlV0": "wss://" + host + "/v0", "UrlV1": "wss://" + host + "/v1", "RootSecret": "<RootPassword>"} {
		if got := plain.Outputs[name].Value; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	for name, want := range map[string]string{"UrlV0": "wss://bus.example.com/v0", "UrlV1": "wss://bus.example.com/v1", "DomainTarget": "<Domain.RegionalDomainName>"} {
		if got := all.Outputs[name].Value; got != want {
			t.Errorf("with a domain %s is %s, want %s", name, got, want)
		}
	}
	want(t, "Domain", all.Resources["Domain"], map[string]any{"DomainName": "bus.example.com", "DomainNameConfigurations": []any{map[string]any{
		"CertificateArn": every()["certificate"], "EndpointType": "REGIONAL", "SecurityPolicy": "TLS_1_2"}}})
	for _, stage := range nexus.Stages() {
		id := "Mapping" + title(stage)
		want(t, id, all.Resources[id], map[string]any{"ApiId": "<Api>", "Stage": "<Stage" + title(stage) + ">", "ApiMappingKey": stage, "DomainName": "<Domain>"})
	}
	// An address without a path is v1, as locally.
	want(t, "MappingDefault", all.Resources["MappingDefault"], map[string]any{"ApiId": "<Api>", "Stage": "<StageV1>", "DomainName": "<Domain>"})
	if n := len(all.of("AWS::ApiGatewayV2::ApiMapping")); n != 3 {
		t.Errorf("%d mappings of the domain", n)
	}
}

// What fails for good ends where somebody is told of it.
func TestDeadLetters(t *testing.T) {
	plain := loaded(t, standard)
	want(t, "DeadLetters", plain.Resources["DeadLetters"], map[string]any{"QueueName": "nexus-dead-letters", "MessageRetentionPeriod": 14 * 24 * 3600,
		"SqsManagedSseEnabled": true})
	want(t, "Timer", plain.Resources["Timer"], map[string]any{"QueueName": "nexus-timer", "VisibilityTimeout": 60, "SqsManagedSseEnabled": true,
		"RedrivePolicy.deadLetterTargetArn": "<DeadLetters.Arn>", "RedrivePolicy.maxReceiveCount": 20})
	want(t, "MappingTimer", plain.Resources["MappingTimer"], map[string]any{"ScalingConfig.MaximumConcurrency": 5})
	want(t, "WatchdogFailed", plain.Resources["WatchdogFailed"], map[string]any{"FunctionName": "<FunctionTimer>", "Qualifier": "$LATEST",
		"DestinationConfig.OnFailure.Destination": "<DeadLetters.Arn>"})
	for id, mapping := range plain.of("AWS::Lambda::EventSourceMapping") {
		if mapping.at("StartingPosition") != nil {
			want(t, id, mapping, map[string]any{"DestinationConfig.OnFailure.Destination": "<DeadLetters.Arn>", "BisectBatchOnFunctionError": true})
			if as[int](t, mapping, "MaximumRetryAttempts") < 0 || as[int](t, mapping, "MaximumRecordAgeInSeconds") < 60 {
				t.Errorf("%s tries for ever", id)
			}
		}
	}
	want(t, "AlarmDeadLetters", plain.Resources["AlarmDeadLetters"], map[string]any{"Threshold": 1, "Dimensions": []any{map[string]any{"Name": "QueueName",
		"Value": "nexus-dead-letters"}}})
}

// The password is made by Secrets Manager, and is nowhere else.
func TestRoot(t *testing.T) {
	plain := loaded(t, standard)
	want(t, "RootPassword", plain.Resources["RootPassword"], map[string]any{"GenerateSecretString.PasswordLength": 32,
		"GenerateSecretString.GenerateStringKey": "pass", "SecretString": nil, "Name": nil})
	want(t, "Root", plain.Resources["Root"], map[string]any{"ServiceToken": "<FunctionSetup.Arn>", "Secret": "<RootPassword>", "ServiceTimeout": "120"})
	if strings.Contains(string(plain.text), "{{resolve") {
		t.Error("CloudFormation is to write a secret into the template")
	}
}

func TestWatch(t *testing.T) {
	plain, all := loaded(t, standard), loaded(t, full)
	alarms := plain.of("AWS::CloudWatch::Alarm")
	if len(alarms) > 10 {
		t.Errorf("%d alarms, ten are free", len(alarms))
	}
	for id, alarm := range alarms {
		want(t, id, alarm, map[string]any{"TreatMissingData": "notBreaching", "AlarmActions": nil, "Metrics": nil})
		want(t, id, all.Resources[id], map[string]any{"AlarmActions": []string{"<Alarms>"}, "OKActions": []string{"<Alarms>"}})
	}
	want(t, "AlarmsByEmail", all.Resources["AlarmsByEmail"], map[string]any{"Endpoint": "someone@example.com", "Protocol": "email", "TopicArn": "<Alarms>"})
	if got := len(plain.of("AWS::CloudWatch::Dashboard")); got != 1 {
		t.Errorf("%d dashboards", got)
	}
	var body struct {
		Widgets []struct{ Properties struct{ Metrics [][]any } }
	}
	if err := json.Unmarshal([]byte(as[string](t, plain.Resources["Dashboard"], "DashboardBody")), &body); err != nil {
		t.Fatal(err)
	}
	metrics := 0
	shown := map[string]bool{}
	for _, w := range body.Widgets {
		metrics += len(w.Properties.Metrics)
		for _, m := range w.Properties.Metrics {
			shown[m[1].(string)] = true
		}
	}
	if metrics > mostMetrics {
		t.Errorf("%d metrics on the dashboard, %d are free", metrics, mostMetrics)
	}
	for _, name := range []string{"IteratorAge", "ApproximateNumberOfMessagesVisible", "Throttles", "Errors", "Duration", "ConnectCount"} {
		if !shown[name] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}
