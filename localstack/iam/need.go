package iam

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Service is a service as IAM's actions name it.
type Service string

// The services that functions use.
const (
	DynamoDB   Service = "dynamodb"
	SQS        Service = "sqs"
	ExecuteAPI Service = "execute-api"
)

// Need is a right that a request needs.
type Need struct {
	Service  Service
	Action   string // IAM's, without the service: UpdateItem, SendMessage, ManageConnections
	Resource string // the table's or the queue's name; of ManageConnections the HTTP method, on any connection of any stage
	Index    string // the index of the table, where it is one that is read
}

// String is the need as a policy's reader knows it: "dynamodb:Query on nexus-tasks/index/queue".
func (n Need) String() string {
	resource := n.Resource
	if n.Index != "" {
		resource += "/index/" + n.Index
	}
	return fmt.Sprintf("%s:%s on %s", n.Service, n.Action, resource)
}

// parameters are those of a DynamoDB or SQS request that say what it needs rights on.
type parameters struct {
	TableName, IndexName string
	RequestItems         map[string]json.RawMessage              // of batches, by table
	TransactItems        []map[string]struct{ TableName string } // by Put, Update, …
	QueueURL             string
}

func read(body []byte) (p parameters, err error) {
	err = members(body, func(name, value []byte) error {
		switch string(name) {
		case "TableName":
			return json.Unmarshal(value, &p.TableName)
		case "IndexName":
			return json.Unmarshal(value, &p.IndexName)
		case "RequestItems":
			return json.Unmarshal(value, &p.RequestItems)
		case "TransactItems":
			return json.Unmarshal(value, &p.TransactItems)
		case "QueueUrl":
			return json.Unmarshal(value, &p.QueueURL)
		}
		return nil
	})
	return p, err
}

// partActions are the actions of a transaction's parts.
var partActions = map[string]string{
	"ConditionCheck": "ConditionCheckItem", "Delete": "DeleteItem", "Get": "GetItem", "Put": "PutItem", "Update": "UpdateItem"}

// Needs tells what a request with a body needs, each right once, in order. For @connections the body does not matter.
func Needs(r *http.Request, body []byte) ([]Need, error) {
	version, operation, ok := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if !ok {
		return management(r)
	}
	p, err := read(body)
	if err != nil {
		return nil, fmt.Errorf("iam: parameters of %s: %w", operation, err)
	}
	switch {
	case strings.HasPrefix(version, "DynamoDB"):
		return onTables(operation, p)
	case version == "AmazonSQS":
		// A batch goes by the right to do each of its parts.
		return []Need{{Service: SQS, Action: strings.TrimSuffix(operation, "Batch"), Resource: QueueName(p.QueueURL)}}, nil
	}
	return nil, fmt.Errorf("iam: %s is of no service that is known here", r.Header.Get("X-Amz-Target"))
}

// QueueName is the name of the queue at a URL.
func QueueName(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

func onTables(operation string, p parameters) ([]Need, error) {
	switch operation {
	case "TransactWriteItems", "TransactGetItems": // no action of their own
		var all []Need
		for _, item := range p.TransactItems {
			for part, on := range item {
				action, ok := partActions[part]
				if !ok {
					return nil, fmt.Errorf("iam: %s of a transaction", part)
				}
				all = append(all, Need{Service: DynamoDB, Action: action, Resource: on.TableName})
			}
		}
		slices.SortFunc(all, func(a, b Need) int { return strings.Compare(a.String(), b.String()) })
		return slices.Compact(all), nil
	case "BatchGetItem", "BatchWriteItem":
		var all []Need
		for _, table := range slices.Sorted(maps.Keys(p.RequestItems)) {
			all = append(all, Need{Service: DynamoDB, Action: operation, Resource: table})
		}
		return all, nil
	}
	return []Need{{Service: DynamoDB, Action: operation, Resource: p.TableName, Index: p.IndexName}}, nil
}

// management takes /<stage>/@connections/<id> apart. The @ may come escaped.
func management(r *http.Request) ([]Need, error) {
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	if len(parts) == 3 {
		if name, err := url.PathUnescape(parts[1]); err == nil && name == "@connections" {
			return []Need{{Service: ExecuteAPI, Action: "ManageConnections", Resource: r.Method}}, nil
		}
	}
	return nil, fmt.Errorf("iam: %s %s is of no service that is known here", r.Method, r.URL.Path)
}
