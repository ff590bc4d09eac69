package nxgo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/nayarsystems/nxgo/nxcore"
)

// Every method that the library has for a connection, a task and a pipe is called by a test of this folder.
func TestNothingForgotten(t *testing.T) {
	called := map[string]bool{}
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if of, ok := call.Fun.(*ast.SelectorExpr); ok {
					called[of.Sel.Name] = true
				}
			}
			return true
		})
	}
	methods := 0
	for _, of := range []reflect.Type{reflect.TypeFor[*nxcore.NexusConn](), reflect.TypeFor[*nxcore.Task](), reflect.TypeFor[*nxcore.Pipe]()} {
		for m := range of.NumMethod() {
			methods++
			if name := of.Method(m).Name; !called[name] {
				t.Errorf("%v: no test calls %s", of, name)
			}
		}
	}
	if methods < 50 {
		t.Errorf("%d methods", methods)
	}
}
