// Command conversation tells how to speak to a bus that has just been deployed: `go -C infra run ./conversation ../build/outputs.json`, of what
// `cdk deploy --outputs-file` wrote.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: conversation outputs.json")
		os.Exit(2)
	}
	text, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = tell(os.Stdout, text)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "conversation:", err)
		os.Exit(1)
	}
}

// outputs are a stack's.
type outputs struct{ UrlV0, UrlV1, RootSecret, DomainTarget string }

// tell writes what can be said to each stack of an outputs file.
func tell(out io.Writer, text []byte) error {
	var stacks map[string]outputs
	if err := json.Unmarshal(text, &stacks); err != nil {
		return err
	}
	if len(stacks) != 1 {
		return fmt.Errorf("outputs of %d stacks", len(stacks))
	}
	for name, o := range stacks {
		if o.UrlV0 == "" || o.UrlV1 == "" || o.RootSecret == "" {
			return fmt.Errorf("the outputs of %s are not a bus's", name)
		}
		fmt.Fprintf(out, "\n%s listens on %s (the specification) and %s (Nexus 1.9).\n", name, o.UrlV0, o.UrlV1)
		if o.DomainTarget != "" {
			fmt.Fprintf(out, "Make the host name a CNAME of %s first.\n", o.DomainTarget)
		}
		fmt.Fprintf(out, conversation, o.RootSecret, region(o.RootSecret), o.UrlV0, o.UrlV0)
	}
	return nil
}

// region is the region of an ARN.
func region(arn string) string {
	if fields := strings.Split(arn, ":"); len(fields) > 3 {
		return fields[3]
	}
	return ""
}

const conversation = `
The password that root was made with:

    aws secretsmanager get-secret-value --secret-id %s --region %s --query SecretString --output text

A first conversation. In one terminal a worker, with that password for PASS:

    go run ./localstack/wscat %s
    {"id":1,"method":"sys.login","params":{"user":"root","pass":"PASS"}}
    {"id":2,"method":"task.pull","params":{"prefix":"demo"}}

In another a client, which is answered once the worker has answered:

    go run ./localstack/wscat %s
    {"id":1,"method":"sys.login","params":{"user":"root","pass":"PASS"}}
    {"id":2,"method":"task.push","params":{"method":"demo.add","params":{"a":1,"b":2}}}

Back at the worker, with the taskid that it was given for TASK:

    {"id":3,"method":"task.result","params":{"taskid":"TASK","result":3}}
`
