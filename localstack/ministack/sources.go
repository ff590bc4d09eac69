package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// settled is how long a mapping may take to have its last batch done.
const settled = 30 * time.Second

// sourcesRead expects that each mapping has given records to its function, the last of them without failure: that streams and queue are part of what
// was played. It returns what it saw.
func sourcesRead(ctx context.Context, m miniStack) (string, error) {
	ctx, stop := context.WithTimeout(ctx, settled)
	defer stop()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		mappings, err := m.mappings(ctx)
		if err != nil {
			return "", err
		}
		failed := unread(mappings)
		if failed == nil {
			var words []string
			for _, each := range mappings {
				words = append(words, each.source()+" "+each.LastProcessingResult)
			}
			return strings.Join(words, ", "), nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return "", failed
		}
	}
}

// unread names the mappings whose last batch was not done.
func unread(mappings []mapping) error {
	var failed []error
	for _, m := range mappings {
		if !strings.HasPrefix(m.LastProcessingResult, "OK - ") {
			failed = append(failed, fmt.Errorf("mapping of %s: %s", m.source(), m.LastProcessingResult))
		}
	}
	return errors.Join(failed...)
}

// source is the name of a mapping's table or queue.
func (m mapping) source() string {
	arn := m.EventSourceArn
	if table, _, stream := strings.Cut(arn, "/stream/"); stream {
		arn = table
	}
	return arn[strings.LastIndexAny(arn, ":/")+1:]
}

// errorsLogged returns what functions logged as errors, that none logged anything, and that something is in the dead-letter queue: after the transcripts
// neither should be.
func errorsLogged(ctx context.Context, m miniStack) error {
	var groups struct {
		LogGroups []struct{ LogGroupName string }
	}
	if err := m.Call(ctx, "logs", "Logs_20140328.DescribeLogGroups", map[string]any{}, &groups); err != nil {
		return err
	}
	var failed []error
	logged := 0
	for _, g := range groups.LogGroups {
		var streams struct{ LogStreams []any }
		if err := m.Call(ctx, "logs", "Logs_20140328.DescribeLogStreams", map[string]any{"logGroupName": g.LogGroupName}, &streams); err != nil {
			return err
		}
		logged += len(streams.LogStreams)
		lines, err := m.errorLines(ctx, g.LogGroupName)
		if err != nil {
			return err
		}
		for _, line := range lines[:min(len(lines), 10)] {
			failed = append(failed, fmt.Errorf("%s: %s", g.LogGroupName, line))
		}
	}
	if logged == 0 {
		failed = append(failed, errors.New("no function has logged anything"))
	}
	var dead struct{ Attributes map[string]string }
	if err := m.Call(ctx, "sqs", "AmazonSQS.GetQueueAttributes", map[string]any{
		"QueueUrl": m.queue("dead-letters"), "AttributeNames": []string{"ApproximateNumberOfMessages"}}, &dead); err != nil {
		return err
	}
	if n := dead.Attributes["ApproximateNumberOfMessages"]; n != "0" {
		failed = append(failed, fmt.Errorf("the dead-letter queue has %q messages", n))
	}
	return errors.Join(failed...)
}

// errorLines returns the lines of a log group that functions logged at the level ERROR.
func (m miniStack) errorLines(ctx context.Context, group string) (lines []string, err error) {
	request := map[string]any{"logGroupName": group, "filterPattern": "ERROR"}
	for {
		var page struct {
			Events    []struct{ Message string }
			NextToken string
		}
		if err := m.Call(ctx, "logs", "Logs_20140328.FilterLogEvents", request, &page); err != nil {
			return nil, err
		}
		for _, event := range page.Events {
			if strings.Contains(event.Message, `"level":"ERROR"`) { // the emulator finds error too
				lines = append(lines, strings.TrimSpace(event.Message))
			}
		}
		if page.NextToken == "" {
			return lines, nil
		}
		request["nextToken"] = page.NextToken
	}
}
