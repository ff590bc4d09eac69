package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"nexus/pkg/nexus"
)

// Prices in dollars, of us-east-1 as AWS listed them in November 2026. A month has 30 days.
const (
	priceSecret       = 0.40         // Secrets Manager: a secret, a month
	priceAlarm        = 0.10         // CloudWatch: a metric of an alarm, a month
	priceDashboard    = 3.00         // CloudWatch: a dashboard, a month
	priceQueueRequest = 0.40 / 1e6   // SQS: a request
	priceInvocation   = 0.20 / 1e6   // Lambda: a request
	priceGBSecond     = 0.0000133334 // Lambda on arm64
	priceReadUnit     = 0.125 / 1e6  // DynamoDB on demand
	month             = 30 * 24 * time.Hour
	pollsOfAQueue     = 650_000 // SQS requests a month by which Lambda looks into an empty queue
	sweepAtRest       = 20 * time.Millisecond
	freeAlarms        = 10        // of an account, always, like all that is free here
	freeDashboards    = 3         // of up to mostMetrics
	freeQueueRequests = 1_000_000 // a month
	freeInvocations   = 1_000_000 // a month
	freeGBSeconds     = 400_000   // a month
	mostMetrics       = 50
)

// free are the types of resources that cost nothing while nobody uses the bus.
var free = []string{
	"AWS::ApiGateway::Account", "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::ApiMapping", "AWS::ApiGatewayV2::DomainName", "AWS::ApiGatewayV2::Integration",
	"AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage", "AWS::DynamoDB::Table", "AWS::IAM::Role", "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::Function",
	"AWS::Lambda::Permission", "AWS::Logs::LogGroup", "AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SQS::Queue", "Custom::Root",
}

// A charge is a line of a bill.
type charge struct {
	what      string
	quantity  float64
	price     float64 // of one, in dollars
	allowance float64 // how much of the quantity is free
}

func (c charge) dollars() float64 { return max(c.quantity-c.allowance, 0) * c.price }

// A Bill is what a stack costs a month while nobody uses it.
type Bill []charge

// Total is in dollars, in an account that has its free allowances to itself.
func (b Bill) Total() float64 {
	total := 0.0
	for _, c := range b {
		total += c.dollars()
	}
	return total
}

// Alone is in dollars, in an account that has used up its free allowances otherwise.
func (b Bill) Alone() float64 {
	total := 0.0
	for _, c := range b {
		total += c.quantity * c.price
	}
	return total
}

// String is the bill as a table.
func (b Bill) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "At rest the stack costs $%.2f a month (us-east-1), and what its tables hold ($0.25 a GB, and $0.20 for its point-in-time recovery):\n", b.Total())
	for _, c := range b {
		fmt.Fprintf(&out, "  $%.2f  %s: %.0f", c.dollars(), c.what, c.quantity)
		if c.allowance > 0 {
			fmt.Fprintf(&out, ", of which an account has %.0f free", c.allowance)
		}
		out.WriteByte('\n')
	}
	fmt.Fprintf(&out, "Where other stacks use up what is free: $%.2f.\n", b.Alone())
	return out.String()
}

// resource is one of a template.
type resource struct {
	Type                                string
	Properties                          map[string]any
	DependsOn                           []string
	DeletionPolicy, UpdateReplacePolicy string
}

// atRest computes the bill from a template. A type of resource that is neither priced nor known to be free is an error.
func atRest(template map[string]any) (Bill, error) {
	text, err := json.Marshal(template["Resources"])
	if err != nil {
		return nil, err
	}
	var resources map[string]resource
	if err := json.Unmarshal(text, &resources); err != nil {
		return nil, err
	}
	var secrets, alarms, dashboards, queues, schedules float64
	var failed []error
	for _, id := range sorted(resources) {
		switch r := resources[id]; r.Type {
		case "AWS::SecretsManager::Secret":
			secrets++
		case "AWS::CloudWatch::Alarm":
			metrics, _ := r.Properties["Metrics"].([]any)
			alarms += max(float64(len(metrics)), 1)
		case "AWS::CloudWatch::Dashboard":
			dashboards++
		case "AWS::Lambda::EventSourceMapping":
			if r.Properties["StartingPosition"] == nil { // a queue's: streams are read for nothing
				queues++
			}
		case "AWS::Events::Rule":
			schedules++
		default:
			if !slices.Contains(free, r.Type) {
				failed = append(failed, fmt.Errorf("cost: %s is a %s, which has no price", id, r.Type))
			}
		}
	}
	sweeps := schedules * float64(month/nexus.SweepEvery)
	return Bill{
		{"secrets", secrets, priceSecret, 0},
		{"metrics with an alarm", alarms, priceAlarm, freeAlarms},
		{"dashboards", dashboards, priceDashboard, freeDashboards},
		{"queue requests, by which Lambda looks for deadlines", queues * pollsOfAQueue, priceQueueRequest, freeQueueRequests},
		{"calls of the watchdog", sweeps, priceInvocation, freeInvocations},
		{"GB-seconds of the watchdog", sweeps * sweepAtRest.Seconds() * memoryOf(nexus.FunctionTimer) / 1024, priceGBSecond, freeGBSeconds},
		{"read units of the watchdog", sweeps, priceReadUnit, 0},
	}, errors.Join(failed...)
}
