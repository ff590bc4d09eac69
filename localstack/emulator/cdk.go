package emulator

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"nexus/localstack/child"
)

// CDKVersion is that of the CDK's command line, which the make targets of deployments have too.
const CDKVersion = "2.1147.0"

// StackName is the stack's, whatever cdk.json says of deployments to AWS; the names of its resources begin with it.
const StackName = "nexus"

// CDK runs the CDK's command line on the app against an emulator: no profile and no credentials of the user's reach it.
type CDK struct {
	Root string   // of the repository, where cdk.json is
	Dir  string   // absolute: where the functions' zips are, and for what is written
	Env  []string // as os.Environ has it; what would lead to an account of AWS is left out
	Emulator
}

// Outputs are the stack's.
type Outputs struct {
	URL    string `json:"UrlV0"`
	Secret string `json:"RootSecret"`
}

// API is the id of the API, from an address of AWS's form: wss://<api>.execute-api.…/<stage>.
func (o Outputs) API() string {
	host, _, _ := strings.Cut(strings.TrimPrefix(o.URL, "wss://"), ".execute-api.")
	return host
}

// Bootstrap prepares the account for deployments, as anybody does once. It does so without the app.
func (c CDK) Bootstrap(ctx context.Context) error {
	_, err := c.run(ctx, c.Dir, "bootstrap", "aws://"+Account+"/"+Region)
	return err
}

// Deploy gives the app's stack to the emulator, and tells whether that changed anything.
func (c CDK) Deploy(ctx context.Context) (made Outputs, changed bool, err error) {
	// The app's options: the name, programs that run on this machine, and nothing that outlives the stack.
	text, err := c.run(ctx, c.Root, "deploy", "--context", "name="+StackName, "--context", "build="+c.Dir, "--context", "removal=destroy",
		"--output", c.assembly(), "--require-approval", "never", "--progress", "events", "--outputs-file", c.outputs())
	if err != nil {
		return Outputs{}, false, err
	}
	made, err = c.Outputs()
	return made, !strings.Contains(text, " (no changes)"), err
}

// Outputs reads what the last deployment made. The error is fs.ErrNotExist if there was none.
func (c CDK) Outputs() (Outputs, error) {
	text, err := os.ReadFile(c.outputs())
	if err != nil {
		return Outputs{}, err
	}
	var stacks map[string]Outputs
	if err := json.Unmarshal(text, &stacks); err != nil {
		return Outputs{}, fmt.Errorf("outputs: %w", err)
	}
	for _, o := range stacks {
		if len(stacks) == 1 && o.URL != "" && o.Secret != "" {
			return o, nil
		}
	}
	return Outputs{}, fmt.Errorf("outputs %s: not of one stack with an address and a secret", text)
}

// Destroy ends what was deployed, by what the app said then.
func (c CDK) Destroy(ctx context.Context) error {
	_, err := c.run(ctx, c.Root, "destroy", "--app", c.assembly(), "--force")
	return err
}

// assembly is where the app's templates are written.
func (c CDK) assembly() string { return filepath.Join(c.Dir, "cdk.out") }

func (c CDK) outputs() string { return filepath.Join(c.Dir, "outputs.json") }

func (c CDK) run(ctx context.Context, in string, arguments ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "npx", append([]string{"--yes", "aws-cdk@" + CDKVersion, "--no-notices", "--no-color", "--ci"}, arguments...)...)
	cmd.Dir = in
	cmd.Env = append(Environment(c.Env), "AWS_ENDPOINT_URL="+c.URL, "AWS_ENDPOINT_URL_S3="+c.URL, "AWS_ACCESS_KEY_ID="+Key, "AWS_SECRET_ACCESS_KEY="+Key,
		"AWS_REGION="+Region, "AWS_DEFAULT_REGION="+Region, "CDK_HOME="+filepath.Join(c.Dir, "cdk"), "CDK_DISABLE_CLI_TELEMETRY=true")
	out, err := child.Output(cmd)
	if err != nil {
		return "", fmt.Errorf("cdk %s: %w\n%s", arguments[0], err, child.Tail(out))
	}
	return string(out), nil
}

// Environment is an environment without what would lead to an account of AWS, and in which no proxy is asked for what is on this machine.
func Environment(all []string) []string {
	var some []string
	for _, v := range all {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "CDK_") {
			some = append(some, v)
		}
	}
	return append(some, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		"NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost")
}
