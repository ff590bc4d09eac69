package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// A kind of what a stack makes, and how the emulator lists it.
type kind struct {
	name, service  string
	target, path   string // of one of the two
	member, column string // where the list is in the answer, and its elements' names; no column: the elements are the names
}

var kinds = []kind{
	{name: "table", service: "dynamodb", target: "DynamoDB_20120810.ListTables", member: "TableNames"},
	{name: "queue", service: "sqs", target: "AmazonSQS.ListQueues", member: "QueueUrls"},
	{name: "function", service: "lambda", path: "/2015-03-31/functions/", member: "Functions", column: "FunctionName"},
	{name: "mapping", service: "lambda", path: "/2015-03-31/event-source-mappings/", member: "EventSourceMappings", column: "EventSourceArn"},
	{name: "API", service: "apigateway", path: "/v2/apis", member: "items", column: "name"},
	{name: "log group", service: "logs", target: "Logs_20140328.DescribeLogGroups", member: "logGroups", column: "logGroupName"},
	{name: "secret", service: "secretsmanager", target: "secretsmanager.ListSecrets", member: "SecretList", column: "Name"},
	{name: "rule", service: "events", target: "AWSEvents.ListRules", member: "Rules", column: "Name"},
	{name: "alarm", service: "monitoring", target: "GraniteServiceVersion20100801.DescribeAlarms", member: "MetricAlarms", column: "AlarmName"},
	{name: "dashboard", service: "monitoring", target: "GraniteServiceVersion20100801.ListDashboards", member: "DashboardEntries", column: "DashboardName"},
}

// inventory is the names of what the emulator has of each kind.
type inventory map[string][]string

func (m miniStack) inventory(ctx context.Context) (inventory, error) {
	all := inventory{}
	for _, k := range kinds {
		var answer map[string]any
		var err error
		if k.target != "" {
			err = m.Call(ctx, k.service, k.target, map[string]any{}, &answer)
		} else {
			err = m.get(ctx, k.service, k.path, &answer)
		}
		if err != nil {
			return nil, err
		}
		list, _ := answer[k.member].([]any) // not there if there are none
		for _, element := range list {
			if fields, ok := element.(map[string]any); ok && k.column != "" {
				element = fields[k.column]
			}
			all[k.name] = append(all[k.name], fmt.Sprint(element))
		}
		slices.Sort(all[k.name])
	}
	return all, nil
}

// compare expects that there is what there was before the stack, and no more. A kind of which there was nothing while the stack was there would say
// nothing.
func (left inventory) compare(before, there inventory) error {
	var failed []error
	for _, k := range kinds {
		if len(there[k.name]) <= len(before[k.name]) {
			failed = append(failed, fmt.Errorf("no %s of the stack was listed while there was one", k.name))
		}
		if !slices.Equal(left[k.name], before[k.name]) {
			failed = append(failed, fmt.Errorf("%s: left are %v, before were %v", k.name, left[k.name], before[k.name]))
		}
	}
	return errors.Join(failed...)
}
