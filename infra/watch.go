package main

import (
	"encoding/json"
	"fmt"

	"nexus/pkg/nexus"
	"nexus/pkg/store"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"
)

// A metric of CloudWatch's.
type metric struct {
	namespace, name, statistic string
	dimensions                 [][2]string
}

func (s *stack) functionMetric(function, name, statistic string) metric {
	return metric{"AWS/Lambda", name, statistic, [][2]string{{"FunctionName", s.named(function)}}}
}

func (s *stack) queueMetric(queue, name, statistic string) metric {
	return metric{"AWS/SQS", name, statistic, [][2]string{{"QueueName", s.named(queue)}}}
}

func (s *stack) apiMetric(name, statistic string) metric {
	return metric{"AWS/ApiGateway", name, statistic, [][2]string{{"ApiId", *s.api.Ref()}}}
}

func (s *stack) tableMetric(table, name, statistic string) metric {
	return metric{"AWS/DynamoDB", name, statistic, [][2]string{{"TableName", s.named(table)}}}
}

// An alarm goes off when a metric has been at or over its threshold for a number of five-minute periods.
type alarm struct {
	id        string
	of        metric
	threshold float64
	periods   float64
	means     string
}

// alarms are each of one metric, since a sum of several is charged as several; the first ten of an account are free.
func (s *stack) alarms() []alarm {
	return []alarm{
		{"DeadLetters", s.queueMetric("dead-letters", "ApproximateNumberOfMessagesVisible", "Maximum"), 1, 1,
			"something failed for good: the messages of the dead-letter queue say what"},
		{"TimerBehind", s.queueMetric("timer", "ApproximateNumberOfMessagesVisible", "Minimum"), 100, 2, "deadlines that are due wait"},
		{"TimerErrors", s.functionMetric(nexus.FunctionTimer, "Errors", "Sum"), 5, 1, "deadlines, the watchdog or clean-ups fail"},
		{"StreamBehind", s.functionMetric(nexus.FunctionStream, "IteratorAge", "Maximum"), 5 * 60 * 1000, 1, "repair or the fan-out of topics is five minutes late"},
		{"StreamErrors", s.functionMetric(nexus.FunctionStream, "Errors", "Sum"), 5, 1, "repair or the fan-out of topics fails"},
		{"IntegrationErrors", s.apiMetric("IntegrationError", "Sum"), 5, 1, "functions of calls crash, or end at their time-out"},
		{"ExecutionErrors", s.apiMetric("ExecutionError", "Sum"), 5, 1, "API Gateway could not call functions"},
		{"Throttles", metric{namespace: "AWS/Lambda", name: "Throttles", statistic: "Sum"}, 1, 1,
			"the concurrency that all functions of the account's region share is used up"},
		{"TasksThrottled", s.tableMetric(store.Tasks, "WriteThrottleEvents", "Sum"), 100, 1, "a path of tasks outgrows its partition: see the option taskShards"},
	}
}

// addWatch adds alarms, who is told of them, and the dashboard.
func (s *stack) addWatch() error {
	var actions *[]any
	if s.AlarmEmail != "" {
		topic := awssns.NewCfnTopic(s.Stack, jsii.String("Alarms"), &awssns.CfnTopicProps{DisplayName: jsii.String("Alarms of " + s.Name)})
		awssns.NewCfnSubscription(s.Stack, jsii.String("AlarmsByEmail"), &awssns.CfnSubscriptionProps{TopicArn: topic.Ref(), Protocol: jsii.String("email"),
			Endpoint: jsii.String(s.AlarmEmail)})
		actions = &[]any{topic.Ref()}
	}
	for _, a := range s.alarms() {
		props := &awscloudwatch.CfnAlarmProps{
			AlarmName:          jsii.String(s.named(a.id)),
			AlarmDescription:   jsii.String(a.means),
			Namespace:          jsii.String(a.of.namespace),
			MetricName:         jsii.String(a.of.name),
			Statistic:          jsii.String(a.of.statistic),
			Period:             jsii.Number(300),
			EvaluationPeriods:  jsii.Number(a.periods),
			Threshold:          jsii.Number(a.threshold),
			ComparisonOperator: jsii.String("GreaterThanOrEqualToThreshold"),
			TreatMissingData:   jsii.String("notBreaching"), // nothing happens while nobody speaks
			AlarmActions:       actions,
			OkActions:          actions,
		}
		var dimensions []any
		for _, d := range a.of.dimensions {
			dimensions = append(dimensions, &awscloudwatch.CfnAlarm_DimensionProperty{Name: jsii.String(d[0]), Value: jsii.String(d[1])})
		}
		if dimensions != nil {
			props.Dimensions = dimensions
		}
		awscloudwatch.NewCfnAlarm(s.Stack, jsii.String("Alarm"+a.id), props)
	}
	return s.addDashboard()
}

// A widget is a chart of metrics.
type widget struct {
	title   string
	metrics []metric
}

// widgets hold at most 50 metrics: a dashboard with more is not among the free ones.
func (s *stack) widgets() []widget {
	each := func(name, statistic string) []metric {
		var all []metric
		for _, function := range nexus.Functions() {
			all = append(all, s.functionMetric(function, name, statistic))
		}
		return all
	}
	var throttled []metric
	for _, t := range store.Schema() {
		throttled = append(throttled, s.tableMetric(t.Name, "WriteThrottleEvents", "Sum"))
	}
	return []widget{
		{"Connections made, messages", []metric{s.apiMetric("ConnectCount", "Sum"), s.apiMetric("MessageCount", "Sum")}},
		{"Errors at API Gateway", []metric{s.apiMetric("ClientError", "Sum"), s.apiMetric("ExecutionError", "Sum"), s.apiMetric("IntegrationError", "Sum")}},
		{"Functions: p99 (ms)", each("Duration", "p99")},
		{"Functions: errors", each("Errors", "Sum")},
		{"Functions: throttles", each("Throttles", "Sum")},
		{"Streams: age (ms)", []metric{s.functionMetric(nexus.FunctionStream, "IteratorAge", "Maximum")}},
		{"Queues", []metric{s.queueMetric("dead-letters", "ApproximateNumberOfMessagesVisible", "Maximum"),
			s.queueMetric("timer", "ApproximateNumberOfMessagesVisible", "Maximum"), s.queueMetric("timer", "ApproximateNumberOfMessagesDelayed", "Maximum")}},
		{"Tables: writes throttled", throttled},
	}
}

func (s *stack) addDashboard() error {
	const columns, width, height = 2, 12, 6
	var widgets []any
	for n, w := range s.widgets() {
		var metrics []any
		for _, m := range w.metrics {
			line := []any{m.namespace, m.name}
			for _, d := range m.dimensions {
				line = append(line, d[0], d[1])
			}
			metrics = append(metrics, append(line, map[string]any{"stat": m.statistic}))
		}
		widgets = append(widgets, map[string]any{"type": "metric", "x": n % columns * width, "y": n / columns * height, "width": width, "height": height,
			"properties": map[string]any{"title": w.title, "region": *s.Region(), "period": 60, "view": "timeSeries", "metrics": metrics}})
	}
	body, err := json.Marshal(map[string]any{"widgets": widgets})
	if err != nil {
		return fmt.Errorf("dashboard: %w", err)
	}
	awscloudwatch.NewCfnDashboard(s.Stack, jsii.String("Dashboard"), &awscloudwatch.CfnDashboardProps{DashboardName: jsii.String(s.Name),
		DashboardBody: jsii.String(string(body))})
	return nil
}
