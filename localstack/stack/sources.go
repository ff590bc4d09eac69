package stack

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"nexus/localstack/mapping"
	"nexus/pkg/nexus"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// createQueues creates the delay queue and the dead-letter queue. A queue that is there already with the same attributes is the one meant.
func createQueues(ctx context.Context, client *sqs.Client, r Remote) (timerURL, deadURL string, err error) {
	create := func(name string, attributes map[string]string) (string, error) {
		out, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(r.prefix() + name), Attributes: attributes})
		if err != nil && r.Endpoint != "" && !r.EmbeddedQueue {
			return "", fmt.Errorf("create queue %s%s at %s (DynamoDB Local has none: then the queues can stay embedded): %w",
				r.prefix(), name, r.Endpoint, err)
		}
		if err != nil {
			return "", fmt.Errorf("create queue %s%s: %w", r.prefix(), name, err)
		}
		return aws.ToString(out.QueueUrl), nil
	}
	deadURL, err = create(deadLetters, map[string]string{"MessageRetentionPeriod": "1209600"})
	if err != nil {
		return "", "", err
	}
	dead, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &deadURL,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn}})
	if err != nil {
		return "", "", fmt.Errorf("queue %s: %w", deadURL, err)
	}
	timerURL, err = create(timerQueue, map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(nexus.TimerVisibility / time.Second)),
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`,
			dead.Attributes[string(types.QueueAttributeNameQueueArn)], nexus.TimerReceives)})
	return timerURL, deadURL, err
}

// sources lists the event sources as the bus declares them.
func sources(services aws.Config, base *string, prefix, timerURL, deadURL string) (mapping.Config, error) {
	m := mapping.Config{Streams: dynamodbstreams.NewFromConfig(services, func(o *dynamodbstreams.Options) { o.BaseEndpoint = base }),
		Region: Region, Account: Account,
		Queues:    []mapping.Queue{{QueueURL: timerURL, Function: nexus.FunctionTimer, BatchSize: nexus.TimerBatch, ReportBatchItemFailures: true, MaximumConcurrency: nexus.TimerParallel}},
		Schedules: []mapping.Schedule{{Name: "watchdog", Every: nexus.SweepEvery, Function: nexus.FunctionTimer}}}
	for _, src := range nexus.Streams() {
		var filters []mapping.Filter
		for _, pattern := range src.Filters {
			f, err := mapping.ParseFilter(pattern)
			if err != nil {
				return m, fmt.Errorf("stream of %s: %w", src.Table, err)
			}
			filters = append(filters, f)
		}
		m.Mappings = append(m.Mappings, mapping.Stream{Table: prefix + src.Table, Function: src.Function, BatchSize: src.BatchSize,
			Window: src.Window, MaximumRetryAttempts: src.Retries, MaximumRecordAge: src.MaxAge, ParallelizationFactor: src.Parallel, Filters: filters,
			BisectOnError: true, ReportBatchItemFailures: true, OnFailure: deadURL})
	}
	return m, nil
}
