package main

import (
	"slices"
	"testing"
)

// together returns how many resources of some CloudFormation would make at a time: those on the widest level of what depends on what among them.
func together(some map[string]resource) int {
	level := map[string]int{}
	var of func(id string) int
	of = func(id string) int {
		if n, known := level[id]; known {
			return n
		}
		n := 0
		for _, before := range some[id].DependsOn {
			if _, among := some[before]; among {
				n = max(n, of(before)+1)
			}
		}
		level[id] = n
		return n
	}
	width := map[int]int{}
	for id := range some {
		width[of(id)]++
	}
	widest := 0
	for _, n := range width {
		widest = max(widest, n)
	}
	return widest
}

// API Gateway takes 10 changes a second from an account, and of an API one at a time; it deploys an API once in 5 s. CloudFormation's documentation has
// tables with indexes made one after another.
func TestWhatIsMadeAtOnce(t *testing.T) {
	for name, of := range map[string]func() (template, error){"standard": standard, "full": full} {
		tpl := loaded(t, of)
		indexed := tpl.of("AWS::DynamoDB::Table")
		for id, r := range indexed {
			if r.at("LocalSecondaryIndexes") == nil && r.at("GlobalSecondaryIndexes") == nil {
				delete(indexed, id)
			}
		}
		for what, c := range map[string]struct {
			some map[string]resource
			most int
		}{
			"routes":              {tpl.of("AWS::ApiGatewayV2::Route"), 4},
			"integrations":        {tpl.of("AWS::ApiGatewayV2::Integration"), 1},
			"stages":              {tpl.of("AWS::ApiGatewayV2::Stage"), 1},
			"tables with indexes": {indexed, 1},
		} {
			if n := together(c.some); n > c.most || len(c.some) < 2 {
				t.Errorf("%s: %d of %d %s are made at a time, want %d", name, n, len(c.some), what, c.most)
			}
		}
		for id, r := range tpl.of("AWS::ApiGatewayV2::Stage") {
			for route := range tpl.of("AWS::ApiGatewayV2::Route") {
				if !slices.Contains(r.DependsOn, route) {
					t.Errorf("%s: %s does not come after %s", name, id, route)
				}
			}
		}
	}
}
