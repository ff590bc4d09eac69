package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// cdkVersion is that of the CDK's command line, which the make targets of deployments have too.
const cdkVersion = "2.1147.0"

// stackName is the stack's; the names of its resources begin with it.
const stackName = "nexus"

// cdk runs the CDK's command line against the emulator.
type cdk struct {
	dir  string // for what it writes
	root string // of the repository, where cdk.json is
	url  string // of the emulator
}

// outputs are the stack's.
type outputs struct {
	URL    string `json:"UrlV0"`
	Secret string `json:"RootSecret"`
}

// api is the id of the API, from an address of AWS' form: wss://<api>.execute-api.…/<stage>.
func (o outputs) api() string {
	host, _, _ := strings.Cut(strings.TrimPrefix(o.URL, "wss://"), ".execute-api.")
	return host
}

// bootstrap prepares the account for deployments, as anybody does once. It does so without the app.
func (c cdk) bootstrap(ctx context.Context) error {
	_, err := c.run(ctx, c.dir, "bootstrap", "aws://"+account+"/"+region)
	return err
}

// deploy gives the app's stack to the emulator, and tells whether that changed anything.
func (c cdk) deploy(ctx context.Context) (out outputs, changed bool, err error) {
	file := filepath.Join(c.dir, "outputs.json")
	// The app's options: programs that run on this machine, and nothing that outlives the stack.
	text, err := c.run(ctx, c.root, "deploy", "--context", "build="+c.dir, "--context", "removal=destroy", "--output", c.assembly(),
		"--require-approval", "never", "--progress", "events", "--outputs-file", file, stackName)
	if err != nil {
		return outputs{}, false, err
	}
	written, err := os.ReadFile(file)
	if err != nil {
		return outputs{}, false, err
	}
	var all map[string]outputs
	if err := json.Unmarshal(written, &all); err != nil {
		return outputs{}, false, err
	}
	if all[stackName].URL == "" || all[stackName].Secret == "" {
		return outputs{}, false, fmt.Errorf("outputs %s: an address or the secret is missing", written)
	}
	return all[stackName], !strings.Contains(text, stackName+" (no changes)"), nil
}

// destroy ends what was deployed, by what the app said then.
func (c cdk) destroy(ctx context.Context) error {
	_, err := c.run(ctx, c.root, "destroy", "--app", c.assembly(), "--force", stackName)
	return err
}

// assembly is where the app's templates are written.
func (c cdk) assembly() string { return filepath.Join(c.dir, "cdk.out") }

func (c cdk) run(ctx context.Context, in string, arguments ...string) (string, error) {
	cmd := grouped(exec.CommandContext(ctx, "npx", append([]string{"--yes", "aws-cdk@" + cdkVersion, "--no-notices", "--no-color", "--ci"}, arguments...)...))
	cmd.Dir = in
	cmd.Env = append(clean(), "AWS_ENDPOINT_URL="+c.url, "AWS_ENDPOINT_URL_S3="+c.url, "AWS_ACCESS_KEY_ID="+keyID, "AWS_SECRET_ACCESS_KEY="+keyID,
		"AWS_REGION="+region, "AWS_DEFAULT_REGION="+region, "CDK_HOME="+filepath.Join(c.dir, "cdk"), "CDK_DISABLE_CLI_TELEMETRY=true")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("cdk %s: %w\n%s", arguments[0], err, lastLines(out.Bytes(), logLines))
	}
	return out.String(), nil
}
