package mapping

import (
	"encoding/json"
	"time"
)

// asyncRetries are the waits before Lambda retries an asynchronous invocation that failed.
var asyncRetries = []time.Duration{time.Minute, 2 * time.Minute}

// scheduledEvent is EventBridge's event of a schedule rule.
type scheduledEvent struct {
	Version    string   `json:"version"`
	ID         string   `json:"id"`
	DetailType string   `json:"detail-type"`
	Source     string   `json:"source"`
	Account    string   `json:"account"`
	Time       string   `json:"time"` // whole seconds, UTC
	Region     string   `json:"region"`
	Resources  []string `json:"resources"`
	Detail     struct{} `json:"detail"`
}

// ScheduledEvent is the payload of a schedule's firing at a time.
func ScheduledEvent(id, account, region, rule string, at time.Time) ([]byte, error) {
	return json.Marshal(scheduledEvent{
		Version: "0", ID: id, DetailType: "Scheduled Event", Source: "aws.events", Account: account, Time: at.UTC().Format(time.RFC3339), Region: region,
		Resources: []string{"arn:aws:events:" + region + ":" + account + ":rule/" + rule},
	})
}
