package main

import (
	"nexus/pkg/store"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/jsii-runtime-go"
)

// addTables adds the tables of the schema. On demand: at rest they cost nothing but what is in them. Encrypted with the key that DynamoDB owns, which is
// free and needs no rights; a key of the account's own would be asked, and paid, for.
//
// Those with indexes are made one after another, as CloudFormation's documentation asks for.
func (s *stack) addTables() {
	var indexed awsdynamodb.CfnTable
	for _, t := range store.Schema() {
		props := &awsdynamodb.CfnTableProps{
			TableName:                        jsii.String(s.named(t.Name)),
			BillingMode:                      jsii.String("PAY_PER_REQUEST"),
			KeySchema:                        keySchema(t.Partition, t.Sort),
			DeletionProtectionEnabled:        s.Keep,
			SseSpecification:                 &awsdynamodb.CfnTable_SSESpecificationProperty{SseEnabled: false},
			PointInTimeRecoverySpecification: &awsdynamodb.CfnTable_PointInTimeRecoverySpecificationProperty{PointInTimeRecoveryEnabled: true},
		}
		names := []string{t.Partition, t.Sort}
		var local, global []any
		for _, i := range t.Local {
			local = append(local, &awsdynamodb.CfnTable_LocalSecondaryIndexProperty{IndexName: jsii.String(i.Name),
				KeySchema: keySchema(t.Partition, i.Sort), Projection: projection(i)})
			names = append(names, i.Sort)
		}
		for _, i := range t.Global {
			global = append(global, &awsdynamodb.CfnTable_GlobalSecondaryIndexProperty{IndexName: jsii.String(i.Name),
				KeySchema: keySchema(i.Partition, i.Sort), Projection: projection(i)})
			names = append(names, i.Partition, i.Sort)
		}
		if local != nil {
			props.LocalSecondaryIndexes = local
		}
		if global != nil {
			props.GlobalSecondaryIndexes = global
		}
		props.AttributeDefinitions = attributes(names)
		if t.Stream != store.NoStream {
			props.StreamSpecification = &awsdynamodb.CfnTable_StreamSpecificationProperty{StreamViewType: jsii.String(string(t.Stream))}
		}
		if t.TTL {
			props.TimeToLiveSpecification = &awsdynamodb.CfnTable_TimeToLiveSpecificationProperty{AttributeName: jsii.String(store.AttrExpires), Enabled: true}
		}
		table := awsdynamodb.NewCfnTable(s.Stack, jsii.String("Table"+title(t.Name)), props)
		s.keep(table, awscdk.RemovalPolicy_RETAIN)
		if local != nil || global != nil {
			if indexed != nil {
				table.AddResourceDependency(indexed, nil)
			}
			indexed = table
		}
		s.tables[t.Name] = table
	}
}

func keySchema(partition, sort string) []any {
	keys := []any{&awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: jsii.String(partition), KeyType: jsii.String("HASH")}}
	if sort != "" {
		keys = append(keys, &awsdynamodb.CfnTable_KeySchemaProperty{AttributeName: jsii.String(sort), KeyType: jsii.String("RANGE")})
	}
	return keys
}

// attributes defines the attributes that keys are made of, each once: strings, all of them.
func attributes(names []string) []any {
	var all []any
	defined := map[string]bool{"": true}
	for _, name := range names {
		if !defined[name] {
			defined[name] = true
			all = append(all, &awsdynamodb.CfnTable_AttributeDefinitionProperty{AttributeName: jsii.String(name), AttributeType: jsii.String("S")})
		}
	}
	return all
}

func projection(i store.Index) *awsdynamodb.CfnTable_ProjectionProperty {
	if len(i.Include) == 0 {
		return &awsdynamodb.CfnTable_ProjectionProperty{ProjectionType: jsii.String("KEYS_ONLY")}
	}
	return &awsdynamodb.CfnTable_ProjectionProperty{ProjectionType: jsii.String("INCLUDE"), NonKeyAttributes: jsii.Strings(i.Include...)}
}
