package stack

import (
	"context"
	"fmt"

	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// CreateTables creates the tables of the schema, with a prefix before their names.
func CreateTables(ctx context.Context, client *dynamodb.Client, prefix string) error {
	for _, t := range store.Schema() {
		if _, err := client.CreateTable(ctx, createTable(t, prefix)); err != nil {
			return fmt.Errorf("create table %s: %w", t.Name, err)
		}
		if !t.TTL {
			continue
		}
		if _, err := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: aws.String(prefix + t.Name),
			TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(store.AttrExpires), Enabled: aws.Bool(true)}}); err != nil {
			return fmt.Errorf("time to live of %s: %w", t.Name, err)
		}
	}
	return nil
}

func createTable(t store.Table, prefix string) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{TableName: aws.String(prefix + t.Name), BillingMode: types.BillingModePayPerRequest,
		KeySchema: keys(t.Partition, t.Sort)}
	names := []string{t.Partition, t.Sort}
	for _, i := range t.Local {
		in.LocalSecondaryIndexes = append(in.LocalSecondaryIndexes, types.LocalSecondaryIndex{IndexName: aws.String(i.Name),
			KeySchema: keys(t.Partition, i.Sort), Projection: projection(i)})
		names = append(names, i.Sort)
	}
	for _, i := range t.Global {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{IndexName: aws.String(i.Name),
			KeySchema: keys(i.Partition, i.Sort), Projection: projection(i)})
		names = append(names, i.Partition, i.Sort)
	}
	defined := map[string]bool{"": true}
	for _, name := range names {
		if !defined[name] {
			defined[name] = true
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(name),
				AttributeType: types.ScalarAttributeTypeS})
		}
	}
	if t.Stream != store.NoStream {
		in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewType(t.Stream)}
	}
	return in
}

func keys(partition, sort string) []types.KeySchemaElement {
	k := []types.KeySchemaElement{{AttributeName: aws.String(partition), KeyType: types.KeyTypeHash}}
	if sort != "" {
		k = append(k, types.KeySchemaElement{AttributeName: aws.String(sort), KeyType: types.KeyTypeRange})
	}
	return k
}

func projection(i store.Index) *types.Projection {
	if len(i.Include) == 0 {
		return &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}
	}
	return &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: i.Include}
}
