package queue

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// settings are the attributes of a queue that can be set.
type settings struct {
	visibilityTimeout time.Duration
	delay             time.Duration
	retention         time.Duration
	wait              time.Duration
	maximumSize       int      // bytes
	redrive           *redrive // nil: none
}

// redrive says where messages go that were received too often.
type redrive struct {
	Target          string `json:"deadLetterTargetArn"`
	MaxReceiveCount int    `json:"maxReceiveCount"`
}

func defaults() settings {
	return settings{visibilityTimeout: 30 * time.Second, retention: 4 * 24 * time.Hour, maximumSize: 1 << 20}
}

// numeric are the attributes that hold a whole number within bounds.
var numeric = map[string]struct {
	min, max int
	set      func(*settings, int)
	get      func(*settings) int
}{
	"VisibilityTimeout": {0, maxVisibility,
		func(s *settings, n int) { s.visibilityTimeout = seconds(n) },
		func(s *settings) int { return int(s.visibilityTimeout / time.Second) }},
	"DelaySeconds": {0, maxDelay,
		func(s *settings, n int) { s.delay = seconds(n) },
		func(s *settings) int { return int(s.delay / time.Second) }},
	"MessageRetentionPeriod": {60, 1_209_600,
		func(s *settings, n int) { s.retention = seconds(n) },
		func(s *settings) int { return int(s.retention / time.Second) }},
	"ReceiveMessageWaitTimeSeconds": {0, maxWait,
		func(s *settings, n int) { s.wait = seconds(n) },
		func(s *settings) int { return int(s.wait / time.Second) }},
	"MaximumMessageSize": {1024, 1 << 20,
		func(s *settings, n int) { s.maximumSize = n },
		func(s *settings) int { return s.maximumSize }},
}

// refused are the attributes of AWS that are not implemented: they cannot be set, and a queue has no value of them.
var refused = []string{"ContentBasedDeduplication", "DeduplicationScope", "FifoQueue", "FifoThroughputLimit", "KmsDataKeyReusePeriodSeconds",
	"KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "SqsManagedSseEnabled"}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

// apply sets attributes, all or none.
func (c *call) apply(s settings, attributes map[string]string) (settings, error) {
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value := attributes[name]
		if a, ok := numeric[name]; ok {
			n, err := strconv.Atoi(value)
			if err != nil || n < a.min || n > a.max {
				return s, errInvalidAttributeValue.with("Invalid value for the parameter %s: %q is not a whole number from %d to %d.", name, value, a.min, a.max)
			}
			a.set(&s, n)
			continue
		}
		switch {
		case name == "RedrivePolicy":
			policy, err := c.redrivePolicy(value)
			if err != nil {
				return s, err
			}
			s.redrive = policy
		case slices.Contains(refused, name):
			return s, notImplemented("The attribute " + name)
		default:
			return s, errInvalidAttributeName.with("Unknown Attribute %s.", name)
		}
	}
	return s, nil
}

// redrivePolicy reads {"deadLetterTargetArn":…,"maxReceiveCount":…}; the count may be a string. An empty policy removes the one there is.
func (c *call) redrivePolicy(value string) (*redrive, error) {
	if value == "" {
		return nil, nil
	}
	var policy struct {
		Target *string     `json:"deadLetterTargetArn"`
		Count  json.Number `json:"maxReceiveCount"`
	}
	d := json.NewDecoder(strings.NewReader(value))
	d.DisallowUnknownFields()
	if err := d.Decode(&policy); err != nil {
		return nil, invalidValue("RedrivePolicy", value, "Redrive policy is not a valid JSON map.")
	}
	if policy.Target == nil {
		return nil, invalidValue("RedrivePolicy", value, "Redrive policy does not contain mandatory attribute: deadLetterTargetArn.")
	}
	n, err := strconv.Atoi(policy.Count.String())
	if err != nil || n < 1 || n > 1000 {
		return nil, invalidValue("RedrivePolicy", value, "Invalid value for maxReceiveCount: it must be a whole number from 1 to 1000.")
	}
	name, ours := strings.CutPrefix(*policy.Target, c.arn(""))
	if !ours || c.queues[name] == nil {
		return nil, invalidValue("RedrivePolicy", value, "Dead letter target does not exist.")
	}
	return &redrive{*policy.Target, n}, nil
}

// equal compares what two CreateQueue calls ask for.
func (s *settings) equal(t *settings) bool {
	a, b := *s, *t
	if (a.redrive == nil) != (b.redrive == nil) || a.redrive != nil && *a.redrive != *b.redrive {
		return false
	}
	a.redrive, b.redrive = nil, nil
	return a == b
}

func (c *call) arn(name string) string {
	return "arn:aws:sqs:" + c.region + ":" + c.account + ":" + name
}
