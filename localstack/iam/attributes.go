package iam

import (
	"encoding/json"
	"fmt"
	"strings"
)

// projected is what a request says of the attributes that it wants.
type projected struct {
	ProjectionExpression     string
	ExpressionAttributeNames map[string]string
}

// reads reports whether a request for items, with a body, reads an attribute of the need's table: it names it, or wants all. As IAM does it by
// dynamodb:Attributes and dynamodb:Select.
func (n Need) reads(body []byte, attribute string) (bool, error) {
	var in struct {
		projected
		RequestItems map[string]projected
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return false, fmt.Errorf("iam: projection of %s: %w", n.Action, err)
	}
	p := in.projected
	if n.Action == "BatchGetItem" {
		p = in.RequestItems[n.Resource]
	}
	if p.ProjectionExpression == "" {
		return true, nil
	}
	for path := range strings.SplitSeq(p.ProjectionExpression, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(path), ".")
		name, _, _ = strings.Cut(name, "[")
		if full, ok := p.ExpressionAttributeNames[name]; ok {
			name = full
		}
		if name == attribute {
			return true, nil
		}
	}
	return false, nil
}
