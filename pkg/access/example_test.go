package access_test

import (
	"encoding/json"
	"fmt"

	"nexus/pkg/access"
)

func ExampleTaskMethod() {
	path, method, err := access.TaskMethod("Math.Matrix.add")
	fmt.Println(path, method, err)

	_, _, err = access.TaskMethod("math..add")
	fmt.Println(err)
	// Output:
	// math.matrix. add <nil>
	// empty label
}

func ExampleList() {
	list := access.List{Prefix: "sensors.roof", Depth: 1, Limit: access.DefaultLimit}
	for _, name := range []string{"sensors.roof", "sensors.roof.wind", "sensors.roof.wind.gust", "sensors.roofs"} {
		fmt.Println(name, list.Match(name))
	}
	// Output:
	// sensors.roof true
	// sensors.roof.wind true
	// sensors.roof.wind.gust false
	// sensors.roofs false
}

func ExampleTags_Allows() {
	tags, err := access.ParseTags(json.RawMessage(`{
		".":    {"@topic.pub": false},
		"math": {"@task.push": true, "@topic.pub": true}
	}`))
	if err != nil {
		panic(err)
	}
	fmt.Println(tags.Allows("task.push", "math.matrix.add"))
	fmt.Println(tags.Allows("task.push", "physics.fall"))
	fmt.Println(tags.Allows("topic.pub", "math")) // "." wins
	// Output:
	// true
	// false
	// false
}

func ExampleTags_Set() {
	tags, err := access.ParseTags(json.RawMessage(`{"math":{"quota":{"day":10.0,"hour":2},"@task.push":true}}`))
	if err != nil {
		panic(err)
	}
	set, err := access.ParseTagSet(json.RawMessage(`{"quota":{"hour":3},"@task.push":false}`))
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", tags.Set("math", set).JSON())
	// Output:
	// {"math":{"@task.push":false,"quota":{"day":10.0,"hour":3}}}
}

func ExampleEffective() {
	tags := func(s string) access.Tags {
		t, err := access.ParseTags(json.RawMessage(s))
		if err != nil {
			panic(err)
		}
		return t
	}
	table := map[string]access.Holder{
		"ann":    {Tags: tags(`{"math":{"quota":1}}`), Templates: []string{"worker", "guest"}},
		"worker": {Tags: tags(`{"math":{"quota":100,"@task.pull":true}}`), Templates: []string{"base"}},
		"guest":  {Tags: tags(`{"chat":{"@topic.sub":true}}`)},
		"base":   {Tags: tags(`{".":{"@sync.lock":true}}`)},
	}
	effective, err := access.Effective("ann", func(names []string) (map[string]access.Holder, error) {
		fmt.Println("read", names)
		return table, nil
	})
	fmt.Printf("%s %v\n", effective.JSON(), err)
	// Output:
	// read [ann]
	// read [worker guest]
	// read [base]
	// {".":{"@sync.lock":true},"chat":{"@topic.sub":true},"math":{"@task.pull":true,"quota":1}} <nil>
}

func ExampleRefused() {
	whitelist, blacklist := []string{`^10\.0\.`}, []string{`.*`}
	fmt.Println(access.Refused("10.0.3.4", whitelist, blacklist, access.CompileExpression))
	fmt.Println(access.Refused("192.0.2.1", whitelist, blacklist, access.CompileExpression))
	// Output:
	// false
	// true
}
