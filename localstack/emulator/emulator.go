// Package emulator is what deployments to emulators of AWS have in common: the functions built for this machine, the CDK's command line run against
// an emulator and nothing else, and requests to it as the services' own APIs take them. What is of one emulator is in the commands container and
// ministack.
package emulator

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// The account and region of an emulator, and the key and the secret of both, for emulators take any.
const (
	Region  = "us-east-1"
	Account = "000000000000"
	Key     = "test"
)

// Emulator is one by its URL, http://host:port. It is asked without a signature, which no emulator looks at.
type Emulator struct{ URL string }

// Call makes a request of a service that speaks JSON by X-Amz-Target, such as DynamoDB_20120810.ListTables. Its answer is read into out, unless that is
// nil; another status than 200 is an error.
func (e Emulator) Call(ctx context.Context, service, target string, in, out any) error {
	version := "1.1"
	if slices.Contains([]string{"dynamodb", "monitoring", "sqs"}, service) {
		version = "1.0"
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-" + version}, "X-Amz-Target": {target}}
	return e.request(ctx, http.MethodPost, service, "/", header, in, out)
}

// Ask makes a request of a service that has paths, with a body unless in is nil. Its answer is read into out, unless that is nil; another status
// than 200 is an error.
func (e Emulator) Ask(ctx context.Context, method, service, path string, in, out any) error {
	return e.request(ctx, method, service, path, http.Header{"Content-Type": {"application/json"}}, in, out)
}

func (e Emulator) request(ctx context.Context, method, service, path string, header http.Header, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, e.URL+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = header
	r.Header.Set("Authorization", // whose scope tells the services apart
		fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/20260101/%s/%s/aws4_request, SignedHeaders=host, Signature=0", Key, Region, service))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	what := strings.TrimSpace(method + " " + path + " " + header.Get("X-Amz-Target"))
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", what, answer.Status, bytes.TrimSpace(text))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Secret returns the user and the password that a secret holds.
func (e Emulator) Secret(ctx context.Context, id string) (user, pass string, err error) {
	var got struct{ SecretString string }
	if err := e.Call(ctx, "secretsmanager", "secretsmanager.GetSecretValue", map[string]any{"SecretId": id}, &got); err != nil {
		return "", "", err
	}
	var root struct{ User, Pass string }
	if err := json.Unmarshal([]byte(got.SecretString), &root); err != nil || root.User == "" || root.Pass == "" {
		return "", "", fmt.Errorf("the secret %s is not of the form {user, pass}", id)
	}
	return root.User, root.Pass, nil
}

// WebSocket is where clients reach an API by its id, without the stage.
func (e Emulator) WebSocket(api string) string {
	return strings.Replace(e.URL, "http", "ws", 1) + APIPath(api)
}

// APIPath is the path of an API on an emulator that is not asked by the API's own host name.
func APIPath(api string) string { return "/_aws/execute-api/" + api }
