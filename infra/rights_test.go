package main

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nexus/pkg/nexus"
)

// allowed is a statement of a policy.
type allowed struct {
	Sid, Effect      string
	Action, Resource []string
	Condition        any
}

// statementsOf returns the statements of a function's only policy.
func statementsOf(t *testing.T, tpl template, function string) []allowed {
	t.Helper()
	role := tpl.Resources["Role"+title(function)]
	want(t, function, role, map[string]any{"ManagedPolicyArns": nil, "AssumeRolePolicyDocument.Statement": []any{map[string]any{"Action": "sts:AssumeRole",
		"Effect": "Allow", "Principal": map[string]any{"Service": "lambda.amazonaws.com"}}}})
	policies := as[[]struct {
		PolicyDocument struct{ Statement []allowed }
	}](t, role, "Policies")
	if len(policies) != 1 {
		t.Fatalf("%s: %d policies", function, len(policies))
	}
	return policies[0].PolicyDocument.Statement
}

var (
	tableARN      = regexp.MustCompile(`^<Table([A-Z][a-z]+)\.Arn>$`)
	indexARN      = regexp.MustCompile(`^<Table([A-Z][a-z]+)\.Arn>/index/([a-z]+)$`)
	connectionARN = regexp.MustCompile(`^arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<Api>/(v[01])/([A-Z]+)/@connections/\*$`)
)

// What calls need is in the policies and nothing else: they are read back into what the local stack enforces.
func TestRightsAreTheLocalStacks(t *testing.T) {
	tpl := loaded(t, standard)
	for _, function := range append(nexus.Functions(), nexus.FunctionSetup) {
		got, besides := rightsOf(t, statementsOf(t, tpl, function))
		want := nexus.RightsOf(function)
		want.DeadLetters = want.DeadLetters || function == nexus.FunctionTimer // Lambda sends there what failed, in the function's name
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s may\n%+v\nits calls need\n%+v", function, got, want)
		}
		if expected := platform(function); !reflect.DeepEqual(besides, expected) {
			t.Errorf("%s may besides\n%v\nwant\n%v", function, besides, expected)
		}
	}
}

// platform is what a function may do besides: what Lambda does in its name, and the secret of the function that makes root.
func platform(function string) []string {
	all := []string{"logs:CreateLogStream <Logs" + title(function) + ".Arn>", "logs:PutLogEvents <Logs" + title(function) + ".Arn>"}
	switch function {
	case nexus.FunctionTimer:
		for _, action := range []string{"ChangeMessageVisibility", "DeleteMessage", "GetQueueAttributes", "ReceiveMessage"} {
			all = append(all, "sqs:"+action+" <Timer.Arn>")
		}
	case nexus.FunctionStream:
		for _, table := range []string{"Pipes", "Tasks", "Topics"} {
			for _, action := range []string{"DescribeStream", "GetRecords", "GetShardIterator"} {
				all = append(all, "dynamodb:"+action+" <Table"+table+".StreamArn>")
			}
			all = append(all, "dynamodb:ListStreams <Table"+table+".Arn>/stream/*")
		}
	case nexus.FunctionSetup:
		all = append(all, "secretsmanager:GetSecretValue <RootPassword>")
	}
	slices.Sort(all)
	return all
}

// rightsOf reads statements: what is a right of calls, and the rest as "action resource", sorted.
func rightsOf(t *testing.T, statements []allowed) (nexus.Rights, []string) {
	t.Helper()
	tables := map[string]*nexus.TableRights{}
	table := func(id string) *nexus.TableRights {
		name := strings.ToLower(id)
		if tables[name] == nil {
			tables[name] = &nexus.TableRights{Table: name}
		}
		return tables[name]
	}
	var rights nexus.Rights
	var besides []string
	verbs := map[string][]string{} // by stage
	for _, st := range statements {
		if withheld := reflect.DeepEqual(st.Condition, hashesWithheld()); st.Effect != "Allow" || st.Condition != nil && (st.Sid != "TableUsers" || !withheld) {
			t.Errorf("%s: %s, condition %v", st.Sid, st.Effect, st.Condition)
		} else if st.Sid == "TableUsers" {
			rights.Hashes = !withheld
		}
		for _, action := range st.Action {
			for _, on := range st.Resource {
				name, dynamodb := strings.CutPrefix(action, "dynamodb:")
				switch {
				case dynamodb && tableARN.MatchString(on):
					r := table(tableARN.FindStringSubmatch(on)[1])
					r.Actions = append(r.Actions, name)
				case action == "dynamodb:Query" && indexARN.MatchString(on):
					m := indexARN.FindStringSubmatch(on)
					r := table(m[1])
					r.Indexes = append(r.Indexes, m[2])
				case action == "sqs:SendMessage" && on == "<Timer.Arn>":
					rights.Timer = true
				case action == "sqs:SendMessage" && on == "<DeadLetters.Arn>":
					rights.DeadLetters = true
				case action == "execute-api:ManageConnections" && connectionARN.MatchString(on):
					m := connectionARN.FindStringSubmatch(on)
					verbs[m[1]] = append(verbs[m[1]], m[2])
				default:
					besides = append(besides, action+" "+on)
				}
			}
		}
	}
	for _, name := range sorted(tables) {
		rights.Tables = append(rights.Tables, *tables[name])
	}
	if !slices.Equal(verbs[nexus.V0], verbs[nexus.V1]) {
		t.Errorf("rights on connections by stage: %v", verbs)
	}
	rights.Connections = verbs[nexus.V0]
	slices.Sort(besides)
	return rights, besides
}

// hashesWithheld is the condition that a reader of users names the attributes that it wants, the hash not among them: written out, since what a user's item
// has is told by what its calls write.
func hashesWithheld() any {
	return map[string]any{"ForAllValues:StringEquals": map[string]any{"dynamodb:Attributes": []any{"blacklist", "createdAt", "dir", "disabled", "maxsessions",
		"req", "tags", "templates", "uid", "user", "whitelist"}}, "StringEqualsIfExists": map[string]any{"dynamodb:Select": "SPECIFIC_ATTRIBUTES"}}
}

// No action is a wildcard. A resource that holds one is named here with the reason; AWS offers nothing narrower.
func TestWildcards(t *testing.T) {
	reasons := map[*regexp.Regexp]string{
		regexp.MustCompile(`^execute-api:ManageConnections .*/@connections/\*$`):           "API Gateway makes the ids of connections while the stack runs",
		regexp.MustCompile(`^dynamodb:ListStreams <Table[A-Z][a-z]+\.Arn>/stream/\*$`):     "streams of a table are listed: which it has is the answer",
		regexp.MustCompile(`^logs:(CreateLogStream|PutLogEvents) <Logs[A-Z][a-z]+\.Arn>$`): "the ARN of a log group ends in :*; Lambda names the streams of it",
	}
	used := map[string]bool{}
	for _, of := range []func() (template, error){standard, full} {
		tpl := loaded(t, of)
		for _, function := range append(nexus.Functions(), nexus.FunctionSetup) {
			for _, st := range statementsOf(t, tpl, function) {
				for _, action := range st.Action {
					if strings.Contains(action, "*") || len(strings.Split(action, ":")) != 2 {
						t.Errorf("%s may %s", function, action)
					}
					for _, on := range st.Resource {
						if !strings.Contains(on, "*") && !strings.HasPrefix(action, "logs:") {
							continue
						}
						known := false
						for pattern, reason := range reasons {
							if pattern.MatchString(action + " " + on) {
								known, used[reason] = true, true
							}
						}
						if !known {
							t.Errorf("%s may %s on %s", function, action, on)
						}
					}
				}
			}
		}
		// Roles of the template are those of functions, and the one that AWS gives its policy.
		for id, role := range tpl.of("AWS::IAM::Role") {
			if id == "AccountLogRole" {
				want(t, id, role, map[string]any{"Policies": nil,
					"ManagedPolicyArns": []string{"arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"}})
			} else if _, ok := tpl.Resources["Function"+strings.TrimPrefix(id, "Role")]; !ok {
				t.Errorf("%s is no function's", id)
			}
		}
	}
	if len(used) != len(reasons) {
		t.Errorf("of the reasons only %v are needed", used)
	}
}

// Who may call functions: the API, for one of its own; EventBridge, for the schedule.
func TestInvocation(t *testing.T) {
	tpl := loaded(t, standard)
	served := map[string]bool{}
	for _, r := range nexus.Routes() {
		served[r.Function] = true
	}
	if got, want := len(tpl.of("AWS::Lambda::Permission")), len(served)+1; got != want {
		t.Errorf("%d permissions, want %d", got, want)
	}
	for name := range served {
		want(t, name, tpl.Resources["Invoke"+title(name)], map[string]any{"Action": "lambda:InvokeFunction", "FunctionName": "<" + functionID(name) + ">",
			"Principal": "apigateway.amazonaws.com", "SourceArn": "arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<Api>/*/*"})
	}
	want(t, "watchdog", tpl.Resources["InvokeWatchdog"], map[string]any{"Action": "lambda:InvokeFunction", "FunctionName": "<FunctionTimer>",
		"Principal": "events.amazonaws.com", "SourceArn": "<Watchdog.Arn>"})
}

// A role's inline policies have at most 10,240 characters, white space aside; names of resources are as long as they can get.
func TestPoliciesFit(t *testing.T) {
	const most, longest = 10_240, 60 // characters that a reference becomes, such as an ARN's part
	tpl := loaded(t, standard)
	for _, function := range append(nexus.Functions(), nexus.FunctionSetup) {
		n := 0
		for _, st := range statementsOf(t, tpl, function) {
			for _, text := range append(slices.Concat(st.Action, st.Resource), st.Sid, `{"Sid":"","Effect":"Allow","Action":[],"Resource":[]},`) {
				n += len(`"",`) + len(text) + strings.Count(text, "<")*longest
			}
		}
		if n > most {
			t.Errorf("%s: a policy of up to %d characters", function, n)
		}
	}
}
