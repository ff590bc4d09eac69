package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// cfn-lint holds templates to CloudFormation's own schemas. CFN_LINT is where it is: `make test` fetches the version of requirements.txt.
func TestCfnLint(t *testing.T) {
	lint := os.Getenv("CFN_LINT")
	if lint == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("CFN_LINT does not say where cfn-lint is")
		}
		t.Skip("CFN_LINT does not say where cfn-lint is: templates are not checked")
	}
	for name, of := range map[string]func() (template, error){"standard": standard, "full": full} {
		file := filepath.Join(t.TempDir(), name+".template.json")
		if err := os.WriteFile(file, loaded(t, of).text, 0o600); err != nil {
			t.Fatal(err)
		}
		// W3005 tells of dependencies that are said twice.
		if out, err := exec.CommandContext(t.Context(), lint, "--ignore-checks", "W3005", "--", file).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
