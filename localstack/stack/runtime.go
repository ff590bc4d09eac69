package stack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"

	"nexus/localstack/clock"
	"nexus/localstack/lambda"
	"nexus/pkg/nexus"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Runtime says how functions run.
type Runtime string

const (
	// InProcess calls the functions' handlers in the stack's process: at once, and by any clock.
	InProcess Runtime = "inprocess"
	// Process runs each function as the program that is deployed, behind the Runtime API: with cold starts, one invocation at a time in an environment,
	// and all requests over loopback. Only the machine's clock will do.
	Process Runtime = "process"
)

// functionsFolder is the package path of the functions' main packages.
const functionsFolder = "nexus/functions"

// check refuses what a runtime or a remote engine cannot do.
func (c Config) check() error {
	if err := c.Remote.check(c); err != nil {
		return err
	}
	switch c.Runtime {
	case "", InProcess:
		if c.Programs != "" {
			return fmt.Errorf("stack: Programs is for the runtime %s", Process)
		}
		return nil
	case Process:
	default:
		return fmt.Errorf("stack: runtime %q is neither %s nor %s", c.Runtime, InProcess, Process)
	}
	if _, ok := c.Clock.(clock.Real); !ok {
		return fmt.Errorf("stack: the runtime %s goes by the machine's clock only", Process)
	}
	if c.Chances != nil || c.Wire != nil || c.Retryer != nil || c.Adjust != nil || c.Environments != nil {
		return errors.New("stack: Chances, Wire, Retryer, Adjust and Environments do not reach functions in processes of their own")
	}
	return nil
}

// processes is what Process needs besides: programs, and a loopback port at which they find the tables, the queue and @connections, as at AWS. The
// zero value is InProcess's.
type processes struct {
	listener net.Listener
	served   bool // and so closed with its server
	programs map[string]string
	built    string // the temporary folder of the programs; empty if they were given
	runtime  *lambda.Processes
	secret   string // of all functions' access keys
}

// key is what the function of a name signs with. There is none where functions run in this process.
func (p *processes) key(id string) (aws.Credentials, bool) {
	key := aws.Credentials{AccessKeyID: id, SecretAccessKey: p.secret, SessionToken: lambda.SessionToken}
	return key, p.secret != "" && slices.Contains(nexus.Functions(), id)
}

// endpoint is the URL of the services that are wired: nowhere, if nothing leaves the process.
func (p *processes) endpoint() string {
	if p.listener == nil {
		return "http://local.invalid"
	}
	return "http://" + p.listener.Addr().String()
}

// prepare opens the port and finds the programs, or builds them.
func (p *processes) prepare(ctx context.Context, folder string) (err error) {
	if p.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	p.secret = rand.Text()
	if folder != "" {
		p.programs, err = lambda.Built(folder, nexus.Functions())
		return err
	}
	if p.built, err = os.MkdirTemp("", "nexus-functions-"); err != nil {
		return err
	}
	p.programs, err = lambda.Build(ctx, runtime.GOOS, p.built, functionsFolder, nexus.Functions())
	return err
}

func (p *processes) start(c Config, env map[string]string) (_ map[string]lambda.Handler, err error) {
	p.runtime, err = lambda.NewProcesses(lambda.ProcessConfig{Programs: p.programs, Env: env, Clock: c.Clock, Region: Region, Secret: p.secret,
		Log: c.Log})
	if err != nil {
		return nil, err
	}
	return p.runtime.Functions(), nil
}

// close ends the functions.
func (p *processes) close() {
	if p.runtime != nil {
		p.runtime.Close()
	}
	if p.listener != nil && !p.served {
		_ = p.listener.Close() // why the stack did not start says more
	}
}

// remove removes what was built, after close.
func (p *processes) remove() error {
	if p.built == "" {
		return nil
	}
	return os.RemoveAll(p.built)
}
