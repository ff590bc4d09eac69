package stack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"nexus/pkg/store"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// CreateTables creates the tables of the schema, with a prefix before their names, and returns once they are ACTIVE. A table that is there already
// is taken as it is if it is the same: its keys, indexes, stream and time to live; otherwise the error says how it differs.
func CreateTables(ctx context.Context, client *dynamodb.Client, prefix string) error {
	schema := store.Schema()
	before := make([]bool, len(schema))
	active := make([]bool, len(schema))
	for i, t := range schema {
		out, err := client.CreateTable(ctx, createTable(t, prefix))
		switch _, exists := errors.AsType[*types.ResourceInUseException](err); {
		case exists:
			before[i] = true
		case err != nil:
			return fmt.Errorf("create table %s%s: %w", prefix, t.Name, err)
		default: // embedded and DynamoDB Local's are at once, AWS's after some seconds; all are made meanwhile
			active[i] = out.TableDescription.TableStatus == types.TableStatusActive
		}
	}
	for i, t := range schema {
		if !active[i] {
			if err := awaitTable(ctx, client, createTable(t, prefix)); err != nil {
				return err
			}
		}
		if t.TTL {
			if err := enableTTL(ctx, client, prefix+t.Name, before[i]); err != nil {
				return fmt.Errorf("time to live of %s%s: %w", prefix, t.Name, err)
			}
		}
	}
	return nil
}

// activeWithin is how long a table may take to become ACTIVE.
const activeWithin = 3 * time.Minute

// awaitTable returns once a table is ACTIVE, if it is the one that was wanted.
func awaitTable(ctx context.Context, client *dynamodb.Client, want *dynamodb.CreateTableInput) error {
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 200*time.Millisecond, 2*time.Second
	})
	out, err := waiter.WaitForOutput(ctx, &dynamodb.DescribeTableInput{TableName: want.TableName}, activeWithin)
	if err != nil {
		return fmt.Errorf("table %s: %w", *want.TableName, err)
	}
	if difference := differs(out.Table, want); difference != "" {
		return fmt.Errorf("table %s is there already, and is another: %s. Remove it, or use another prefix", *want.TableName, difference)
	}
	return nil
}

// enableTTL lets items expire by AttrExpires. AWS refuses to enable it a second time, so that a table from before is asked first.
func enableTTL(ctx context.Context, client *dynamodb.Client, table string, before bool) error {
	if before {
		out, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &table})
		if err != nil {
			return err
		}
		is := out.TimeToLiveDescription
		if on := is.TimeToLiveStatus; on == types.TimeToLiveStatusEnabled || on == types.TimeToLiveStatusEnabling {
			if name := aws.ToString(is.AttributeName); name != store.AttrExpires {
				return fmt.Errorf("it goes by %s, not by %s", name, store.AttrExpires)
			}
			return nil
		}
	}
	_, err := client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(store.AttrExpires), Enabled: aws.Bool(true)}})
	return err
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
