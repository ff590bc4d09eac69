package stack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// differs says how a table differs from the one wanted in what the bus goes by; empty if it does not. How it is billed, encrypted and backed up is
// its owner's matter.
func differs(is *types.TableDescription, want *dynamodb.CreateTableInput) string {
	var has []string
	for _, i := range is.LocalSecondaryIndexes {
		has = append(has, index("local", i.IndexName, i.KeySchema, i.Projection))
	}
	for _, i := range is.GlobalSecondaryIndexes {
		has = append(has, index("global", i.IndexName, i.KeySchema, i.Projection))
	}
	has = append(has, shape(is.KeySchema, is.AttributeDefinitions, is.StreamSpecification)...)

	var wants []string
	for _, i := range want.LocalSecondaryIndexes {
		wants = append(wants, index("local", i.IndexName, i.KeySchema, i.Projection))
	}
	for _, i := range want.GlobalSecondaryIndexes {
		wants = append(wants, index("global", i.IndexName, i.KeySchema, i.Projection))
	}
	wants = append(wants, shape(want.KeySchema, want.AttributeDefinitions, want.StreamSpecification)...)

	var parts []string
	if lacks := without(wants, has); len(lacks) > 0 {
		parts = append(parts, "it lacks "+strings.Join(lacks, ", "))
	}
	if extra := without(has, wants); len(extra) > 0 {
		parts = append(parts, "it has "+strings.Join(extra, ", "))
	}
	return strings.Join(parts, "; ")
}

// shape lists a table's keys, the types of its attributes and its stream, a text for each.
func shape(schema []types.KeySchemaElement, attributes []types.AttributeDefinition, stream *types.StreamSpecification) []string {
	all := []string{"the keys " + keyNames(schema)}
	for _, a := range attributes {
		all = append(all, fmt.Sprintf("%s of type %s", aws.ToString(a.AttributeName), a.AttributeType))
	}
	if stream != nil && aws.ToBool(stream.StreamEnabled) {
		all = append(all, fmt.Sprintf("a stream of %s", stream.StreamViewType))
	}
	return all
}

func index(kind string, name *string, schema []types.KeySchemaElement, p *types.Projection) string {
	names := slices.Sorted(slices.Values(p.NonKeyAttributes))
	return strings.TrimSpace(fmt.Sprintf("the %s index %s on %s of %s %s", kind, aws.ToString(name), keyNames(schema), p.ProjectionType,
		strings.Join(names, " ")))
}

// keyNames is the partition key's name, and the sort key's after it.
func keyNames(schema []types.KeySchemaElement) string {
	schema = slices.SortedFunc(slices.Values(schema), func(a, b types.KeySchemaElement) int { return cmp.Compare(a.KeyType, b.KeyType) })
	var names []string
	for _, k := range schema {
		names = append(names, aws.ToString(k.AttributeName))
	}
	return strings.Join(names, "+")
}

// without returns what is in a and not in b.
func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}
