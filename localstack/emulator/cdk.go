package emulator

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"nexus/localstack/child"
)

// StackName is the stack's, whatever cdk.json says of deployments to AWS; the names of its resources begin with it.
const StackName = "nexus"

// CDK deploys the app to an emulator by the make targets that do so to AWS, as README names them: no profile and no credentials of the user's reach them.
type CDK struct {
	Root string   // of the repository, or a copy of it: where the Makefile and cdk.json are
	Dir  string   // absolute: where the zips are of functions that were built for this machine; and for what the CDK keeps
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

// Bootstrap prepares the account for deployments, as anybody does once.
func (c CDK) Bootstrap(ctx context.Context) error {
	_, err := c.make(ctx, "bootstrap", c.options())
	return err
}

// Deploy gives the app's stack to the emulator, and tells whether that changed anything. More are further arguments of the CDK.
func (c CDK) Deploy(ctx context.Context, more ...string) (made Outputs, changed bool, err error) {
	text, err := c.make(ctx, "deploy", c.options()+" --require-approval never --progress events "+strings.Join(more, " "))
	if err != nil {
		return Outputs{}, false, err
	}
	made, err = c.Outputs()
	return made, !strings.Contains(text, " (no changes)"), err
}

// options are the app's: the name, programs that run on this machine, and nothing that outlives the stack.
func (c CDK) options() string {
	return "-c name=" + StackName + " -c build=" + c.Dir + " -c removal=destroy --no-notices --no-color --ci"
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

// Destroy ends what was deployed.
func (c CDK) Destroy(ctx context.Context) error {
	_, err := c.make(ctx, "destroy", c.options()+" --force")
	return err
}

func (c CDK) outputs() string { return filepath.Join(c.Root, "build", "outputs.json") }

func (c CDK) make(ctx context.Context, target, arguments string) (string, error) {
	cmd := exec.CommandContext(ctx, "make", target, "ARGS="+arguments)
	cmd.Dir = c.Root
	cmd.Env = append(Environment(c.Env), "AWS_ENDPOINT_URL="+c.URL, "AWS_ENDPOINT_URL_S3="+c.URL, "AWS_ACCESS_KEY_ID="+Key, "AWS_SECRET_ACCESS_KEY="+Key,
		"AWS_REGION="+Region, "AWS_DEFAULT_REGION="+Region, "CDK_HOME="+filepath.Join(c.Dir, "cdk"), "CDK_DISABLE_CLI_TELEMETRY=true")
	out, err := child.Output(cmd)
	if err != nil {
		return "", fmt.Errorf("make %s: %w\n%s", target, err, child.Tail(out))
	}
	return string(out), nil
}

// Environment is an environment without what would lead to an account of AWS, and in which no proxy is asked for what is on this machine.
func Environment(all []string) []string {
	var some []string
	for _, v := range all {
		// What make tells the makes that it starts is not for one that starts anew.
		if !slices.ContainsFunc([]string{"AWS_", "CDK_", "MAKE", "MFLAGS=", "ARGS="}, func(p string) bool { return strings.HasPrefix(v, p) }) {
			some = append(some, v)
		}
	}
	return append(some, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true",
		"NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost")
}
