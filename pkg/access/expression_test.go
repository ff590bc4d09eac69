package access_test

import (
	"runtime"
	"strings"
	"testing"

	"nexus/pkg/access"
)

// Whatever an expression is, to compile it or to refuse it takes little memory, which time goes with. The first two, of 78,000 and 23,000 bytes as a stranger sent
// them, took 8 s of a processor and 555 MB; the others are as long as any may be.
func TestExpressionsAreBounded(t *testing.T) {
	fill := func(part string) string { return strings.Repeat(part, access.MaxExpression/len(part)) }
	for name, c := range map[string]struct{ expr, want string }{
		"case folding, long":     {strings.Repeat(`(?i)[\x{100}-\x{10ffff}]`, 3500), "over 256 bytes"},
		"repetition, long":       {strings.Repeat(`x{1000}`, 3300), "over 256 bytes"},
		"one byte more":          {strings.Repeat("x", access.MaxExpression+1), "over 256 bytes"},
		"as long as may be":      {strings.Repeat("x", access.MaxExpression), ""},
		"case folding":           {fill(`(?i)[\x{100}-\x{10ffff}]`), ""},
		"repetition":             {fill(`x{1000}`), "does not compile: too large"},
		"repeated repetition":    {fill(`(x{30}){30}`), "does not compile: too large"},
		"optional ones":          {fill(`(.?){0,500}`), "does not compile: too large"},
		"a repetition by itself": {`x{499}`, "does not compile: too large"},
		"a smaller one":          {`x{400}`, ""},
		"deep":                   {strings.Repeat("(", 128) + strings.Repeat(")", 128), ""},
		"alternatives":           {fill(`a|`), ""},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := access.CompileExpression(c.expr)
		runtime.ReadMemStats(&after)
		if reason(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		took := (after.TotalAlloc - before.TotalAlloc) >> 10
		t.Logf("%s: %d KB", name, took)
		if took > 32<<10 {
			t.Errorf("%s took %d KB", name, took)
		}
	}
}

func BenchmarkCompileExpression(b *testing.B) {
	for name, expr := range map[string]string{
		"long":         strings.Repeat(`(?i)[\x{100}-\x{10ffff}]`, 3500),
		"case folding": strings.Repeat(`(?i)[\x{100}-\x{10ffff}]`, 10),
		"repetition":   strings.Repeat(`x{1000}`, 36),
		"usual":        `^172[.]17[.]`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = access.CompileExpression(expr) // it may be refused: what that takes is what is measured
			}
		})
	}
}
