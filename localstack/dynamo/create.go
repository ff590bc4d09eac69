package dynamo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Bounds of tables, from the quotas page of the developer guide.
const (
	maxLocalIndexes  = 5
	maxGlobalIndexes = 20
	account          = "000000000000"
)

// The shapes of CreateTable and DescribeTable that both share.
type (
	attributeDefinition struct {
		AttributeName string
		AttributeType string
	}
	keySchemaElement struct {
		AttributeName string
		KeyType       string
	}
	projection struct {
		ProjectionType   string   `json:",omitempty"`
		NonKeyAttributes []string `json:",omitempty"`
	}
	throughput struct {
		ReadCapacityUnits  int64
		WriteCapacityUnits int64
	}
	streamSpecification struct {
		StreamEnabled  bool
		StreamViewType string `json:",omitempty"`
	}
	indexRequest struct {
		IndexName             string
		KeySchema             []keySchemaElement
		Projection            *projection
		ProvisionedThroughput *throughput
	}
	createTableRequest struct {
		TableName                 string
		AttributeDefinitions      []attributeDefinition
		KeySchema                 []keySchemaElement
		LocalSecondaryIndexes     []indexRequest
		GlobalSecondaryIndexes    []indexRequest
		BillingMode               string
		ProvisionedThroughput     *throughput
		StreamSpecification       *streamSpecification
		DeletionProtectionEnabled bool
	}
)

// control makes an operation of one whose request and answer are small structures. Members that In lacks are refused.
func control[In any](run func(*Engine, *In) (any, error)) operation {
	return func(e *Engine, body []byte) ([]byte, error) {
		in := new(In)
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		if err := d.Decode(in); err != nil {
			if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
				return nil, validationf("The parameter %s is not supported by this engine", name)
			}
			return nil, serialization(err.Error())
		}
		e.mu.Lock()
		out, err := run(e, in)
		e.unlock()
		if err != nil {
			return nil, err
		}
		return json.Marshal(out)
	}
}

func createTable(e *Engine, q *createTableRequest) (any, error) {
	if err := checkTableName(q.TableName); err != nil {
		return nil, err
	}
	if e.tables[q.TableName] != nil {
		return nil, exception("ResourceInUseException", "Table already exists: %s", q.TableName)
	}
	t := &table{name: q.TableName}
	if err := q.checkBilling(); err != nil {
		return nil, err
	}
	if err := q.define(t); err != nil {
		return nil, err
	}
	if s := q.StreamSpecification; s != nil && s.StreamEnabled != (s.StreamViewType != "") {
		return nil, invalidValue("StreamViewType must be given where StreamEnabled is true, and only there")
	} else if s != nil && s.StreamEnabled && !slices.Contains(viewTypes, s.StreamViewType) {
		return nil, validationf("1 validation error detected: Value %q at 'streamSpecification.streamViewType' failed to satisfy constraint",
			s.StreamViewType)
	}
	t.data = newView(len(t.indexes))
	if e.config.IndexLag != nil {
		t.lagging = &replica{view: newView(len(t.indexes))}
	}
	e.describe(t, q)
	e.tables[t.name] = t
	return map[string]any{"TableDescription": t.describe()}, nil
}

var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

func checkTableName(name string) error {
	if !tableName.MatchString(name) {
		return validationf("Invalid table/index name %q: 3 to 255 of a-z, A-Z, 0-9, '_', '-' and '.'", name)
	}
	return nil
}

func (q *createTableRequest) checkBilling() error {
	if !slices.Contains([]string{"", "PROVISIONED", "PAY_PER_REQUEST"}, q.BillingMode) {
		return validationf("1 validation error detected: Value %q at 'billingMode' failed to satisfy constraint", q.BillingMode)
	}
	all := []*throughput{q.ProvisionedThroughput}
	for _, x := range q.GlobalSecondaryIndexes {
		all = append(all, x.ProvisionedThroughput)
	}
	for _, p := range all {
		if q.BillingMode == "PAY_PER_REQUEST" && p != nil {
			return invalidValue("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		if q.BillingMode != "PAY_PER_REQUEST" && (p == nil || p.ReadCapacityUnits < 1 || p.WriteCapacityUnits < 1) {
			return invalidValue("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
		}
	}
	return nil
}

// define sets the table's schema and indexes.
func (q *createTableRequest) define(t *table) error {
	kinds := map[string]kind{}
	for _, a := range q.AttributeDefinitions {
		k := kindOf(a.AttributeType)
		if !k.ordered() || kinds[a.AttributeName] != 0 || a.AttributeName == "" {
			return invalidValue("AttributeDefinitions: %s %s", a.AttributeName, a.AttributeType)
		}
		kinds[a.AttributeName] = k
	}
	used := map[string]bool{}
	var err error
	if t.schema, err = newSchema(q.KeySchema, kinds, used); err != nil {
		return err
	}
	for _, k := range t.attributes() {
		t.keys = append(t.keys, k.name)
	}
	slices.Sort(t.keys)
	if len(q.LocalSecondaryIndexes) > maxLocalIndexes || len(q.GlobalSecondaryIndexes) > maxGlobalIndexes {
		return invalidValue("Number of secondary indexes exceeds the limit of %d local and %d global ones", maxLocalIndexes, maxGlobalIndexes)
	}
	for i, x := range slices.Concat(q.LocalSecondaryIndexes, q.GlobalSecondaryIndexes) {
		ix, err := x.define(t, kinds, used, i < len(q.LocalSecondaryIndexes))
		if err != nil {
			return err
		}
		t.indexes = append(t.indexes, ix)
	}
	if len(used) != len(kinds) {
		return invalidValue("Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
	}
	slices.SortFunc(t.indexes, func(a, b *index) int { return strings.Compare(a.name, b.name) })
	return nil
}

// newSchema reads a KeySchema: a HASH key, then perhaps a RANGE key.
func newSchema(elements []keySchemaElement, kinds map[string]kind, used map[string]bool) (schema, error) {
	var s schema
	for i, x := range elements {
		k := kinds[x.AttributeName]
		if k == 0 {
			return s, invalidValue("Some index key attributes are not defined in AttributeDefinitions: %s", x.AttributeName)
		}
		used[x.AttributeName] = true
		switch {
		case i == 0 && x.KeyType == "HASH":
			s.hash = keyAttribute{x.AttributeName, k}
		case i == 1 && x.KeyType == "RANGE" && x.AttributeName != s.hash.name:
			s.sort = keyAttribute{x.AttributeName, k}
		default:
			return s, validation("Invalid KeySchema: the first element is a HASH key, the second, if any, another attribute as RANGE key")
		}
	}
	if s.hash.name == "" {
		return s, validation("Invalid KeySchema: a HASH key is required")
	}
	return s, nil
}

func (x *indexRequest) define(t *table, kinds map[string]kind, used map[string]bool, local bool) (*index, error) {
	if err := checkTableName(x.IndexName); err != nil {
		return nil, err
	}
	if _, twice := t.index(x.IndexName); twice != nil {
		return nil, invalidValue("Duplicate index name: %s", x.IndexName)
	}
	ix := &index{name: x.IndexName, local: local}
	var err error
	if ix.schema, err = newSchema(x.KeySchema, kinds, used); err != nil {
		return nil, err
	}
	if local && (t.sort.name == "" || ix.sort.name == "" || ix.hash != t.hash || x.ProvisionedThroughput != nil) {
		return nil, invalidValue("Local secondary index %s needs the table's HASH key and a RANGE key of its own, on a table with a RANGE key, "+
			"and no throughput", x.IndexName)
	}
	p := x.Projection
	if p == nil || !slices.Contains([]string{"KEYS_ONLY", "INCLUDE", "ALL"}, p.ProjectionType) {
		return nil, invalidValue("Unknown ProjectionType of index %s", x.IndexName)
	}
	if (p.ProjectionType == "INCLUDE") != (len(p.NonKeyAttributes) > 0) {
		return nil, invalidValue("NonKeyAttributes of index %s must be given with ProjectionType INCLUDE, and only there", x.IndexName)
	}
	ix.projection, ix.nonKey = p.ProjectionType, p.NonKeyAttributes
	ix.keep = slices.Concat(t.keys, p.NonKeyAttributes)
	for _, k := range ix.attributes() {
		ix.keep = append(ix.keep, k.name)
	}
	slices.Sort(ix.keep)
	ix.keep = slices.Compact(ix.keep)
	return ix, nil
}

// describe fills in what CreateTable decides for good, and creates the stream.
func (e *Engine) describe(t *table, q *createTableRequest) {
	now := e.clock.Now()
	e.ids++
	d := &t.description
	d.AttributeDefinitions = q.AttributeDefinitions
	d.TableName, d.TableStatus = t.name, "ACTIVE"
	d.KeySchema = q.KeySchema
	d.CreationDateTime = epoch(now)
	d.TableArn = fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", e.config.Region, account, t.name)
	d.TableID = fmt.Sprintf("00000000-0000-4000-8000-%012x", e.ids)
	d.DeletionProtectionEnabled = q.DeletionProtectionEnabled
	if q.BillingMode == "PAY_PER_REQUEST" {
		d.BillingModeSummary = &billingMode{q.BillingMode, epoch(now)}
	}
	d.ProvisionedThroughput = throughputOf(q.ProvisionedThroughput)
	for _, x := range q.LocalSecondaryIndexes {
		d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, indexDescription{IndexName: x.IndexName, KeySchema: x.KeySchema,
			Projection: *x.Projection, IndexArn: d.TableArn + "/index/" + x.IndexName})
	}
	for _, x := range q.GlobalSecondaryIndexes {
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, indexDescription{IndexName: x.IndexName, KeySchema: x.KeySchema,
			Projection: *x.Projection, IndexArn: d.TableArn + "/index/" + x.IndexName, IndexStatus: "ACTIVE",
			ProvisionedThroughput: throughputOf(x.ProvisionedThroughput)})
	}
	if s := q.StreamSpecification; s != nil && s.StreamEnabled {
		t.stream = e.openStream(t, s.StreamViewType, now)
		d.StreamSpecification, d.LatestStreamArn, d.LatestStreamLabel = s, t.stream.arn, t.stream.label
	}
}
