// Package pkg_test holds the layout: which package may import which, and who may read the environment.
package pkg_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "nexus/"

// What a row may name besides packages of this module: everything below these paths.
const (
	sdk    = "github.com/aws/aws-sdk-go-v2/"
	smithy = "github.com/aws/smithy-go"
	lambda = "github.com/aws/aws-lambda-go/"
	group  = "golang.org/x/sync/errgroup"
	argon2 = "golang.org/x/crypto/argon2"
	ulid   = "github.com/oklog/ulid/v2"
	// The SDK's values, of which items are made; no client is among them.
	values = "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// layout is the table of the architecture, with what each package takes from outside. A package that is not here must not exist. The standard
// library is everybody's.
var layout = map[string][]string{
	"pkg/jsonrpc": {},
	"pkg/access":  {"pkg/jsonrpc"},
	"pkg/store":   {sdk, smithy},
	"pkg/deliver": {sdk},
	"pkg/timer":   {sdk},
	"pkg/chores":  {"pkg/deliver"},
	"pkg/call":    {"pkg/access", "pkg/deliver", "pkg/jsonrpc", "pkg/store", group},
	"pkg/session": family(values, group),
	"pkg/user":    family(values, argon2),
	"pkg/task":    family(group),
	"pkg/lock":    family(group),
	"pkg/pipe":    family(values, group),
	"pkg/topic":   family(group),
	"pkg/hook":    {"pkg/jsonrpc"},
	"pkg/nexus":   family("pkg/hook", "pkg/lock", "pkg/pipe", "pkg/session", "pkg/task", "pkg/topic", "pkg/user", sdk),
	"pkg/handler": {"pkg/access", "pkg/deliver", "pkg/nexus", "pkg/store", "pkg/timer", sdk, smithy, lambda, ulid},
	"pkg/client":  {"pkg/jsonrpc", "github.com/coder/websocket"},
}

// family is what every family may import. Another family is not among it.
func family(besides ...string) []string {
	return append([]string{"pkg/access", "pkg/call", "pkg/chores", "pkg/deliver", "pkg/jsonrpc", "pkg/store", "pkg/timer"}, besides...)
}

// A file is a Go file that is no test.
type file struct {
	folder, path string
	lines        int
	*ast.File
}

// imports returns what the file imports, packages of this module by their folder.
func (f file) imports(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, spec := range f.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, strings.TrimPrefix(name, module))
	}
	return all
}

// files reads the Go files below a folder of the module.
func files(t *testing.T, below string) []file {
	t.Helper()
	root := ".."
	var all []file
	set := token.NewFileSet()
	err := filepath.WalkDir(filepath.Join(root, below), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		source, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(set, name, source, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		inModule, err := filepath.Rel(root, name)
		inModule = filepath.ToSlash(inModule)
		all = append(all, file{path.Dir(inModule), inModule, bytes.Count(source, []byte("\n")), parsed})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Fatalf("no Go files below %s", below)
	}
	return all
}

// standard tells whether an import is of the standard library.
func standard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".") && !slices.Contains([]string{"pkg", "localstack", "functions", "infra"}, first)
}

// allowed tells whether a row of the layout lets a package import another.
func allowed(row []string, name string) bool {
	return standard(name) || slices.ContainsFunc(row, func(may string) bool {
		return may == name || (!strings.HasPrefix(may, "pkg/") && strings.HasPrefix(name, strings.TrimSuffix(may, "/")+"/"))
	})
}

func TestPackagesImportWhatTheLayoutAllows(t *testing.T) {
	for _, f := range files(t, "pkg") {
		row, known := layout[f.folder]
		if !known {
			t.Errorf("%s: the layout has no package %s", f.path, f.folder)
			continue
		}
		for _, name := range f.imports(t) {
			if !allowed(row, name) {
				t.Errorf("%s: %s must not import %s", f.path, f.folder, name)
			}
		}
	}
}

// Of the bus, the local stack imports only what a deployment is made from: its functions, its tables and its routes. The Go client is for
// whatever is a client of it. What only tests are made with knows more.
func TestTheLocalStackUsesTheBusAsADeploymentDoes(t *testing.T) {
	of := []string{"pkg/client", "pkg/handler", "pkg/nexus", "pkg/store"}
	ofTests := []string{"localstack/harness", "localstack/sim"}
	for _, f := range files(t, "localstack") {
		for _, name := range f.imports(t) {
			if strings.HasPrefix(name, "pkg/") && !slices.Contains(of, name) && !slices.Contains(ofTests, f.folder) {
				t.Errorf("%s imports %s", f.path, name)
			}
			if strings.HasPrefix(name, "functions/") {
				t.Errorf("%s imports %s", f.path, name)
			}
		}
	}
}

// A function is its name; everything else is in pkg/handler.
func TestFunctionsAreOneSmallMain(t *testing.T) {
	const most = 15
	for _, f := range files(t, "functions") {
		if path.Base(f.path) != "main.go" || f.Name.Name != "main" || f.lines > most {
			t.Errorf("%s: package %s, %d lines; a function is one main.go of at most %d", f.path, f.Name.Name, f.lines, most)
		}
		if got := f.imports(t); !slices.Equal(got, []string{"pkg/handler"}) {
			t.Errorf("%s imports %v", f.path, got)
		}
	}
}

// Only pkg/handler and commands know that there is an environment, or a process that can be ended.
func TestTheEnvironmentIsReadInOnePlace(t *testing.T) {
	process := []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Setenv", "Unsetenv", "Clearenv", "Args", "Exit"}
	for _, f := range slices.Concat(files(t, "pkg"), files(t, "localstack")) {
		if f.folder == "pkg/handler" || f.Name.Name == "main" {
			continue
		}
		ast.Inspect(f.File, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok && isPackage(s.X, "os") && slices.Contains(process, s.Sel.Name) {
				t.Errorf("%s uses os.%s", f.path, s.Sel.Name)
			}
			return true
		})
	}
}

// Nothing happens before main. A global is a sentinel error, a table that nobody changes, or an expression compiled once.
func TestNothingRunsAtStart(t *testing.T) {
	for _, f := range slices.Concat(files(t, "pkg"), files(t, "localstack"), files(t, "functions")) {
		for _, decl := range f.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Name.Name == "init" && d.Recv == nil {
					t.Errorf("%s has an init", f.path)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.VAR && len(v.Values) == 0 && !embedded(d.Doc) && !embedded(v.Doc) {
						t.Errorf("%s: the global %s has no value: something must give it one later", f.path, v.Names[0])
					}
				}
			}
		}
	}
}

// embedded tells whether the compiler gives a global its value, from a file.
func embedded(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

func isPackage(x ast.Expr, name string) bool {
	id, ok := x.(*ast.Ident)
	return ok && id.Name == name
}

// The rows themselves: a family that names another, or a package of the bus that names the local stack, would make the tests above say nothing.
func TestTheLayoutItself(t *testing.T) {
	families := []string{"pkg/session", "pkg/user", "pkg/task", "pkg/pipe", "pkg/topic", "pkg/lock"}
	for folder, row := range layout {
		for _, name := range row {
			if strings.HasPrefix(name, "localstack") || strings.HasPrefix(name, "functions") {
				t.Errorf("%s may import %s", folder, name)
			}
			if slices.Contains(families, folder) && slices.Contains(families, name) {
				t.Errorf("%s may import %s, another family", folder, name)
			}
		}
	}
	for _, c := range []struct {
		folder, name string
		want         bool
	}{
		{"pkg/task", "encoding/json", true},
		{"pkg/task", "pkg/call", true},
		{"pkg/task", "pkg/session", false},
		{"pkg/task", "localstack/clock", false},
		{"pkg/task", sdk + "service/dynamodb", false},
		{"pkg/user", values, true},
		{"pkg/jsonrpc", "pkg/access", false},
		{"pkg/store", sdk + "service/dynamodb", true},
		{"pkg/store", smithy, true},
		{"pkg/store", smithy + "/middleware", true},
		{"pkg/store", smithy + "ish", false},
	} {
		if got := allowed(layout[c.folder], c.name); got != c.want {
			t.Errorf("%s imports %s: allowed %v, want %v", c.folder, c.name, got, c.want)
		}
	}
}
