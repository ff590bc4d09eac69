package main

import (
	"maps"
	"slices"

	"nexus/pkg/nexus"
	"nexus/pkg/store"
)

// A statement allows actions on resources. Neither is a wildcard; where a resource ends in one, the reason is beside it, and rights_test.go holds the list.
type statement struct {
	name      string
	actions   []string
	resources []string
	condition map[string]any // nil for most
}

// allow is a statement without a condition.
func allow(name string, actions, resources []string) statement {
	return statement{name: name, actions: actions, resources: resources}
}

// statements are a function's rights: what its calls need, as the local stack enforces them, and what Lambda does in its name.
func (s *stack) statements(function, logs string) []statement {
	rights := nexus.RightsOf(function)
	var all []statement
	for _, t := range rights.Tables {
		arn := *s.tables[t.Table].AttrArn()
		if len(t.Actions) > 0 {
			st := statement{name: "Table" + title(t.Table), actions: prefixed("dynamodb:", t.Actions), resources: []string{arn}}
			if t.Table == store.Users && !rights.Hashes {
				st.condition = withoutHashes()
			}
			all = append(all, st)
		}
		if len(t.Indexes) > 0 {
			all = append(all, allow("Index"+title(t.Table), []string{"dynamodb:Query"}, prefixed(arn+"/index/", t.Indexes)))
		}
	}
	if rights.Timer {
		all = append(all, allow("Timer", []string{"sqs:SendMessage"}, []string{*s.timerQueue.AttrArn()}))
	}
	if rights.DeadLetters || s.fails(function) {
		all = append(all, allow("DeadLetters", []string{"sqs:SendMessage"}, []string{*s.deadLetters.AttrArn()}))
	}
	if len(rights.Connections) > 0 {
		var resources []string
		for _, stage := range nexus.Stages() {
			for _, verb := range rights.Connections {
				// Ids of connections are made by API Gateway while the stack runs.
				resources = append(resources, s.arn("execute-api", *s.api.Ref()+"/"+stage+"/"+verb+"/@connections/*"))
			}
		}
		all = append(all, allow("Connections", []string{"execute-api:ManageConnections"}, resources))
	}
	all = append(all, s.polls(function)...)
	if function == nexus.FunctionSetup {
		all = append(all, allow("Secret", []string{"secretsmanager:GetSecretValue"}, []string{*s.secret.Ref()}))
	}
	// The ARN of a log group ends in :*, its streams, which Lambda names.
	return append(all, allow("Logs", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, []string{logs}))
}

// withoutHashes is the condition that a reader of users names the attributes it wants, and that the password's hash is none of them.
func withoutHashes() map[string]any {
	return map[string]any{
		"ForAllValues:StringEquals": map[string]any{"dynamodb:Attributes": store.UserAttributes()},
		"StringEqualsIfExists":      map[string]any{"dynamodb:Select": "SPECIFIC_ATTRIBUTES"},
	}
}

// polls are the rights by which Lambda reads, in a function's name, the sources that it calls the function for.
func (s *stack) polls(function string) []statement {
	var all []statement
	for _, source := range nexus.Streams() {
		if source.Function == function {
			table := s.tables[source.Table]
			all = append(all, allow("Stream"+title(source.Table),
				[]string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"}, []string{*table.AttrStreamArn()}),
				// Streams are listed by table: the label of each is a time.
				allow("Streams"+title(source.Table), []string{"dynamodb:ListStreams"}, []string{*table.AttrArn() + "/stream/*"}))
		}
	}
	if function == nexus.FunctionTimer {
		all = append(all, allow("Queue", []string{"sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
			[]string{*s.timerQueue.AttrArn()}))
	}
	return all
}

// fails tells whether Lambda puts what a function could not do into the dead-letter queue, in the function's name.
func (s *stack) fails(function string) bool {
	return function == nexus.FunctionTimer ||
		slices.ContainsFunc(nexus.Streams(), func(source nexus.StreamSource) bool { return source.Function == function })
}

func prefixed(prefix string, names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, prefix+name)
	}
	return all
}

// document is a policy of statements.
func document(statements []statement) map[string]any {
	var all []any
	for _, st := range statements {
		one := map[string]any{"Sid": st.name, "Effect": "Allow", "Action": st.actions, "Resource": st.resources}
		if st.condition != nil {
			one["Condition"] = st.condition
		}
		all = append(all, one)
	}
	return policy(all...)
}

// assumedBy is the trust of a role that a service takes on.
func assumedBy(service string) map[string]any {
	return policy(map[string]any{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"Service": service}})
}

func policy(statements ...any) map[string]any {
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

// sorted are a map's keys in order, so that the same app gives the same template.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
