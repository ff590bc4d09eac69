package queue

import (
	"encoding/json"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"
)

const (
	deletionPeriod = 60 * time.Second // in which a deleted queue's name cannot be used
	purgePeriod    = 60 * time.Second // in which a queue cannot be purged again
	maxListed      = 1000
)

// find returns the queue of a URL: its last two elements are account and name, whatever the host. Called with mu held.
func (c *call) find(url string) (*queue, error) {
	if url == "" {
		return nil, missing("QueueUrl")
	}
	rest, name := cutLast(url)
	if _, account := cutLast(rest); account != c.account {
		return nil, errInvalidAddress.with("The address %s is not valid for this endpoint.", url)
	}
	return c.named(name)
}

func (c *call) named(name string) (*queue, error) {
	if q := c.queues[name]; q != nil {
		return q, nil
	}
	return nil, errQueueDoesNotExist.with("The specified queue does not exist.")
}

func cutLast(path string) (before, last string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// byARN returns the queue of an ARN of this service, or nil. Called with mu held.
func (s *Service) byARN(arn string) *queue {
	return s.queues[arn[strings.LastIndexByte(arn, ':')+1:]]
}

func (q *queue) arn() string { return (&call{Service: q.service}).arn(q.name) }

func (c *call) url(name string) string { return c.base + "/" + c.account + "/" + name }

type createQueueInput struct {
	QueueName  string
	Attributes map[string]string
	Tags       map[string]string `json:"tags"`
}

type queueURLOutput struct {
	QueueURL string `json:"QueueUrl"`
}

func (c *call) createQueue(in *createQueueInput) (any, error) {
	if err := checkName(in.QueueName); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		return nil, notImplemented("The parameter tags")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	wanted, err := c.apply(defaults(), in.Attributes)
	if err != nil {
		return nil, err
	}
	if q := c.queues[in.QueueName]; q != nil {
		// Only what the call names is compared.
		if same, err := c.apply(q.settings, in.Attributes); err != nil || !same.equal(&q.settings) {
			return nil, errQueueNameExists.with("A queue already exists with the same name and a different value for an attribute.")
		}
		return queueURLOutput{c.url(in.QueueName)}, nil
	}
	if at, ok := c.deleted[in.QueueName]; ok && now.Before(at.Add(deletionPeriod)) {
		return nil, errQueueDeletedRecently.with("You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	delete(c.deleted, in.QueueName)
	c.queues[in.QueueName] = &queue{service: c.Service, name: in.QueueName, settings: wanted, created: now, modified: now,
		messages: map[string]*message{}}
	return queueURLOutput{c.url(in.QueueName)}, nil
}

func checkName(name string) error {
	if name == "" {
		return missing("QueueName")
	}
	if strings.HasSuffix(name, ".fifo") {
		return notImplemented("A FIFO queue (" + name + ")")
	}
	valid := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_'
	}
	if len(name) > 80 || strings.ContainsFunc(name, func(r rune) bool { return !valid(r) }) {
		return errInvalidParameterValue.with("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	return nil
}

type getQueueURLInput struct {
	QueueName              string
	QueueOwnerAWSAccountID string `json:"QueueOwnerAWSAccountId"`
}

func (c *call) getQueueURL(in *getQueueURLInput) (any, error) {
	if in.QueueName == "" {
		return nil, missing("QueueName")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if owner := in.QueueOwnerAWSAccountID; owner != "" && owner != c.account {
		return c.named("")
	}
	if _, err := c.named(in.QueueName); err != nil {
		return nil, err
	}
	return queueURLOutput{c.url(in.QueueName)}, nil
}

type listQueuesInput struct {
	QueueNamePrefix string
	MaxResults      *int
	NextToken       string
}

type listQueuesOutput struct {
	QueueURLs []string `json:"QueueUrls,omitempty"`
	NextToken string   `json:",omitempty"`
}

// listQueues lists by name. A page ends in a token, the last name of the page, only where the caller asked for pages.
func (c *call) listQueues(in *listQueuesInput) (any, error) {
	limit := maxListed
	if in.MaxResults != nil {
		if limit = *in.MaxResults; limit < 1 || limit > maxListed {
			return nil, invalidValue("MaxResults", limit, "MaxResults must be an integer between 1 and 1000.")
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	names := slices.Sorted(maps.Keys(c.queues))
	names = names[sort.SearchStrings(names, in.NextToken):]
	if len(names) > 0 && names[0] == in.NextToken {
		names = names[1:]
	}
	var out listQueuesOutput
	last := ""
	for _, name := range names {
		if !strings.HasPrefix(name, in.QueueNamePrefix) {
			continue
		}
		if len(out.QueueURLs) == limit {
			if in.MaxResults != nil {
				out.NextToken = last
			}
			break
		}
		out.QueueURLs, last = append(out.QueueURLs, c.url(name)), name
	}
	return out, nil
}

type queueInput struct {
	QueueURL string `json:"QueueUrl"`
}

func (c *call) deleteQueue(in *queueInput) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, err := c.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	delete(c.queues, q.name)
	c.deleted[q.name] = c.clock.Now()
	q.purge()
	_, gone := c.named(q.name)
	for _, w := range q.waiters {
		w.err = gone
		close(w.ready)
	}
	q.waiters = nil
	return nil, nil
}

func (c *call) purgeQueue(in *queueInput) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, err := c.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	now := c.clock.Now()
	if !q.purged.IsZero() && now.Before(q.purged.Add(purgePeriod)) {
		return nil, errPurgeQueueInProgress.with("Only one PurgeQueue operation on %s is allowed every 60 seconds.", q.name)
	}
	q.purged = now
	q.purge()
	return nil, nil
}

type setQueueAttributesInput struct {
	QueueURL   string `json:"QueueUrl"`
	Attributes map[string]string
}

func (c *call) setQueueAttributes(in *setQueueAttributesInput) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, err := c.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	wanted, err := c.apply(q.settings, in.Attributes)
	if err != nil {
		return nil, err
	}
	q.settings, q.modified = wanted, c.clock.Now()
	return nil, nil
}

type getQueueAttributesInput struct {
	QueueURL       string `json:"QueueUrl"`
	AttributeNames []string
}

type getQueueAttributesOutput struct {
	Attributes map[string]string `json:",omitempty"`
}

func (c *call) getQueueAttributes(in *getQueueAttributesInput) (any, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	q, err := c.find(in.QueueURL)
	if err != nil {
		return nil, err
	}
	all, err := q.attributes(c.clock.Now())
	if err != nil {
		return nil, err
	}
	out := getQueueAttributesOutput{map[string]string{}}
	for _, name := range in.AttributeNames {
		value, has := all[name]
		switch {
		case name == "All":
			out.Attributes = all
			return out, nil
		case has:
			out.Attributes[name] = value
		case name != "RedrivePolicy" && !slices.Contains(refused, name):
			return nil, errInvalidAttributeName.with("Unknown Attribute %s.", name)
		}
	}
	return out, nil
}

// attributes are all of a queue's attributes.
func (q *queue) attributes(now time.Time) (map[string]string, error) {
	q.sweep(now)
	out := map[string]string{
		"QueueArn":                              q.arn(),
		"CreatedTimestamp":                      strconv.FormatInt(q.created.Unix(), 10),
		"LastModifiedTimestamp":                 strconv.FormatInt(q.modified.Unix(), 10),
		"ApproximateNumberOfMessages":           strconv.Itoa(q.visible.Len()),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(q.inFlight),
		"ApproximateNumberOfMessagesDelayed":    strconv.Itoa(q.hidden.Len() - q.inFlight),
	}
	for name, a := range numeric {
		out[name] = strconv.Itoa(a.get(&q.settings))
	}
	if q.settings.redrive != nil {
		policy, err := json.Marshal(q.settings.redrive)
		if err != nil {
			return nil, err
		}
		out["RedrivePolicy"] = string(policy)
	}
	return out, nil
}
