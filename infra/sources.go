package main

import (
	"fmt"
	"time"

	"nexus/pkg/nexus"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// deadLetterDays is how long the dead-letter queue keeps what failed for good: SQS' longest.
const deadLetterDays = 14

// addQueues adds the delay queue and the one for what failed for good.
func (s *stack) addQueues() {
	s.deadLetters = awssqs.NewCfnQueue(s.Stack, jsii.String("DeadLetters"), &awssqs.CfnQueueProps{
		QueueName:              jsii.String(s.named("dead-letters")),
		MessageRetentionPeriod: seconds(deadLetterDays * 24 * time.Hour),
		SqsManagedSseEnabled:   true,
	})
	s.timerQueue = awssqs.NewCfnQueue(s.Stack, jsii.String("Timer"), &awssqs.CfnQueueProps{
		QueueName:            jsii.String(s.named("timer")),
		VisibilityTimeout:    seconds(nexus.TimerVisibility),
		RedrivePolicy:        map[string]any{"deadLetterTargetArn": s.deadLetters.AttrArn(), "maxReceiveCount": nexus.TimerReceives},
		SqsManagedSseEnabled: true,
	})
}

// addSources adds what calls functions besides routes: streams, the delay queue, the schedule.
func (s *stack) addSources() {
	toDeadLetters := &awslambda.CfnEventSourceMapping_DestinationConfigProperty{
		OnFailure: &awslambda.CfnEventSourceMapping_OnFailureProperty{Destination: s.deadLetters.AttrArn()}}
	for _, source := range nexus.Streams() {
		props := &awslambda.CfnEventSourceMappingProps{
			FunctionName:                   s.functions[source.Function].Ref(),
			EventSourceArn:                 s.tables[source.Table].AttrStreamArn(),
			StartingPosition:               jsii.String("TRIM_HORIZON"),
			BatchSize:                      jsii.Number(float64(source.BatchSize)),
			MaximumBatchingWindowInSeconds: seconds(source.Window),
			MaximumRetryAttempts:           jsii.Number(float64(source.Retries)),
			MaximumRecordAgeInSeconds:      seconds(source.MaxAge),
			BisectBatchOnFunctionError:     true,
			FunctionResponseTypes:          jsii.Strings("ReportBatchItemFailures"),
			DestinationConfig:              toDeadLetters,
			ParallelizationFactor:          jsii.Number(float64(source.Parallel)),
		}
		var filters []any
		for _, pattern := range source.Filters {
			filters = append(filters, &awslambda.CfnEventSourceMapping_FilterProperty{Pattern: jsii.String(pattern)})
		}
		if filters != nil {
			props.FilterCriteria = &awslambda.CfnEventSourceMapping_FilterCriteriaProperty{Filters: filters}
		}
		awslambda.NewCfnEventSourceMapping(s.Stack, jsii.String("Mapping"+title(source.Table)), props)
	}
	awslambda.NewCfnEventSourceMapping(s.Stack, jsii.String("MappingTimer"), &awslambda.CfnEventSourceMappingProps{
		FunctionName:          s.functions[nexus.FunctionTimer].Ref(),
		EventSourceArn:        s.timerQueue.AttrArn(),
		BatchSize:             jsii.Number(nexus.TimerBatch),
		ScalingConfig:         &awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: jsii.Number(nexus.TimerParallel)},
		FunctionResponseTypes: jsii.Strings("ReportBatchItemFailures"),
	})
	s.addSchedule()
}

// addSchedule adds the watchdog's. Lambda tries a call that failed twice more, as it always does; what fails still is not lost silently.
func (s *stack) addSchedule() {
	timer := s.functions[nexus.FunctionTimer]
	rule := awsevents.NewCfnRule(s.Stack, jsii.String("Watchdog"), &awsevents.CfnRuleProps{
		Name:               jsii.String(s.named("watchdog")),
		Description:        jsii.String("calls for the sessions that have been silent for too long"),
		ScheduleExpression: jsii.String(rate(nexus.SweepEvery)),
		Targets:            []any{&awsevents.CfnRule_TargetProperty{Id: jsii.String(nexus.FunctionTimer), Arn: timer.AttrArn()}},
	})
	s.allowInvoke("InvokeWatchdog", nexus.FunctionTimer, "events.amazonaws.com", *rule.AttrArn())
	awslambda.NewCfnEventInvokeConfig(s.Stack, jsii.String("WatchdogFailed"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName:             timer.Ref(),
		Qualifier:                jsii.String("$LATEST"),
		MaximumRetryAttempts:     jsii.Number(2),
		MaximumEventAgeInSeconds: seconds(10 * nexus.SweepEvery),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: s.deadLetters.AttrArn()}},
	})
}

// rate is a schedule of whole minutes as EventBridge writes it.
func rate(every time.Duration) string {
	minutes := int(every / time.Minute)
	if minutes == 1 {
		return "rate(1 minute)"
	}
	return fmt.Sprintf("rate(%d minutes)", minutes)
}
