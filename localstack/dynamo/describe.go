package dynamo

import (
	"maps"
	"slices"
	"time"
)

// The shapes of DescribeTable's answer.
type (
	tableDescription struct {
		AttributeDefinitions      []attributeDefinition
		TableName                 string
		KeySchema                 []keySchemaElement
		TableStatus               string
		CreationDateTime          float64
		ProvisionedThroughput     *throughputDescription
		TableSizeBytes            int
		ItemCount                 int
		TableArn                  string
		TableID                   string               `json:"TableId"`
		BillingModeSummary        *billingMode         `json:",omitempty"`
		LocalSecondaryIndexes     []indexDescription   `json:",omitempty"`
		GlobalSecondaryIndexes    []indexDescription   `json:",omitempty"`
		StreamSpecification       *streamSpecification `json:",omitempty"`
		LatestStreamLabel         string               `json:",omitempty"`
		LatestStreamArn           string               `json:",omitempty"`
		DeletionProtectionEnabled bool
	}
	billingMode struct {
		BillingMode                       string
		LastUpdateToPayPerRequestDateTime float64
	}
	throughputDescription struct {
		ReadCapacityUnits      int64
		WriteCapacityUnits     int64
		NumberOfDecreasesToday int64
	}
	indexDescription struct {
		IndexName             string
		KeySchema             []keySchemaElement
		Projection            projection
		IndexStatus           string                 `json:",omitempty"`
		ProvisionedThroughput *throughputDescription `json:",omitempty"`
		IndexSizeBytes        int
		ItemCount             int
		IndexArn              string
	}
)

func throughputOf(p *throughput) *throughputDescription {
	if p == nil {
		return &throughputDescription{}
	}
	return &throughputDescription{ReadCapacityUnits: p.ReadCapacityUnits, WriteCapacityUnits: p.WriteCapacityUnits}
}

// epoch is a time as the JSON protocol has it: seconds since 1970 with milliseconds.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// describe completes the description with what the table holds now. (AWS counts every six hours.)
func (t *table) describe() tableDescription {
	d := t.description
	d.ItemCount, d.TableSizeBytes = t.data.items.count, t.data.bytes
	d.LocalSecondaryIndexes = t.describeIndexes(d.LocalSecondaryIndexes)
	d.GlobalSecondaryIndexes = t.describeIndexes(d.GlobalSecondaryIndexes)
	return d
}

func (t *table) describeIndexes(list []indexDescription) []indexDescription {
	list = slices.Clone(list)
	for i := range list {
		at, _ := t.index(list[i].IndexName)
		list[i].ItemCount = t.data.indexes[at].count
		for _, chunk := range t.data.indexes[at].chunks {
			for _, x := range chunk {
				list[i].IndexSizeBytes += x.size
			}
		}
	}
	return list
}

type tableRequest struct{ TableName string }

func describeTable(e *Engine, q *tableRequest) (any, error) {
	t, err := e.table(q.TableName)
	if err != nil {
		return nil, err
	}
	return map[string]any{"Table": t.describe()}, nil
}

func deleteTable(e *Engine, q *tableRequest) (any, error) {
	t, err := e.table(q.TableName)
	if err != nil {
		return nil, err
	}
	if t.description.DeletionProtectionEnabled {
		return nil, validation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	delete(e.tables, t.name)
	if t.stream != nil {
		t.stream.disabled = true
	}
	e.arm()
	d := t.describe()
	d.TableStatus = "DELETING"
	return map[string]any{"TableDescription": d}, nil
}

type listTablesRequest struct {
	ExclusiveStartTableName string
	Limit                   *int
}

func listTables(e *Engine, q *listTablesRequest) (any, error) {
	limit := 100
	if q.Limit != nil {
		if limit = *q.Limit; limit < 1 || limit > 100 {
			return nil, validation("1 validation error detected: Value at 'limit' failed to satisfy constraint: between 1 and 100")
		}
	}
	names := slices.Sorted(maps.Keys(e.tables))
	from, found := slices.BinarySearch(names, q.ExclusiveStartTableName)
	if found {
		from++
	}
	names = names[from:]
	out := map[string]any{}
	if len(names) > limit {
		names = names[:limit]
		out["LastEvaluatedTableName"] = names[limit-1]
	}
	out["TableNames"] = append([]string{}, names...)
	return out, nil
}
