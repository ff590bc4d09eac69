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
)

func createQueues(ctx context.Context, client *sqs.Client) (timerURL, deadURL string, err error) {
	dead, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(deadLetters),
		Attributes: map[string]string{"MessageRetentionPeriod": "1209600"}})
	if err != nil {
		return "", "", fmt.Errorf("create queue: %w", err)
	}
	timer, err := client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(timerQueue), Attributes: map[string]string{
		"VisibilityTimeout": strconv.Itoa(int(nexus.TimerVisibility / time.Second)),
		"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":"arn:aws:sqs:%s:%s:%s","maxReceiveCount":%d}`, Region, Account, deadLetters,
			nexus.TimerReceives)}})
	if err != nil {
		return "", "", fmt.Errorf("create queue: %w", err)
	}
	return *timer.QueueUrl, *dead.QueueUrl, nil
}

// sources lists the event sources as the bus declares them.
func sources(services aws.Config, base *string, timerURL, deadURL string) mapping.Config {
	m := mapping.Config{Streams: dynamodbstreams.NewFromConfig(services, func(o *dynamodbstreams.Options) { o.BaseEndpoint = base }),
		Region: Region, Account: Account,
		Queues:    []mapping.Queue{{QueueURL: timerURL, Function: nexus.FunctionTimer, BatchSize: nexus.TimerBatch, ReportBatchItemFailures: true}},
		Schedules: []mapping.Schedule{{Name: "watchdog", Every: nexus.SweepEvery, Function: nexus.FunctionTimer}}}
	for _, src := range nexus.Streams() {
		m.Mappings = append(m.Mappings, mapping.Stream{Table: TablePrefix + src.Table, Function: src.Function, BatchSize: src.BatchSize,
			Window: src.Window, MaximumRetryAttempts: src.Retries, MaximumRecordAge: src.MaxAge, BisectOnError: true,
			ReportBatchItemFailures: true, OnFailure: deadURL})
	}
	return m
}
