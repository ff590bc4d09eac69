package stack

import (
	"strings"

	"nexus/localstack/iam"
	"nexus/pkg/nexus"
	"nexus/pkg/store"
)

// guard keeps the functions to their rights, as the policies do that a deployment makes of them.
func guard(c Config, key iam.Key, timerURL, deadURL string) *iam.Guard {
	rightsOf := c.Rights
	if rightsOf == nil {
		rightsOf = nexus.RightsOf
	}
	roles := map[string]nexus.Rights{}
	for _, function := range nexus.Functions() {
		roles[function] = rightsOf(function)
	}
	timer, dead := iam.QueueName(timerURL), iam.QueueName(deadURL)
	return &iam.Guard{Log: c.Log, Key: key, Allows: func(function string, n iam.Need) bool {
		role := roles[function] // none of a function that is not there
		switch n.Service {
		case iam.DynamoDB:
			table, ours := strings.CutPrefix(n.Resource, c.Remote.prefix())
			return ours && role.Allows(n.Action, table, n.Index)
		case iam.SQS:
			return n.Action == "SendMessage" && (role.Timer && n.Resource == timer || role.DeadLetters && n.Resource == dead)
		case iam.ExecuteAPI:
			return n.Action == "ManageConnections" && role.AllowsConnections(n.Resource)
		}
		return false
	}, Withheld: func(function string, n iam.Need) string {
		if n.Resource == c.Remote.prefix()+store.Users && (n.Action == "GetItem" || n.Action == "BatchGetItem") && !roles[function].Hashes {
			return store.AttrHash
		}
		return ""
	}}
}
