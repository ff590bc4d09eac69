package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// emulator asks MiniStack as the services' own APIs are asked, unsigned: nobody there looks at signatures.
type emulator struct{ url string }

// call makes a request of a service that speaks JSON by X-Amz-Target, such as DynamoDB_20120810.ListTables.
func (e emulator) call(ctx context.Context, service, target string, in map[string]any, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.0")
	request.Header.Set("X-Amz-Target", target)
	return e.answer(request, service, target, out)
}

// get makes a request of a service that has paths.
func (e emulator) get(ctx context.Context, service, path string, out any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+path, nil)
	if err != nil {
		return err
	}
	return e.answer(request, service, path, out)
}

func (e emulator) answer(request *http.Request, service, what string, out any) error {
	// The credential's scope is what tells the emulator's services apart.
	request.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s/%s/%s/aws4_request, SignedHeaders=host, Signature=none",
		keyID, time.Now().UTC().Format("20060102"), region, service))
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: status %d: %s", what, answer.StatusCode, bytes.TrimSpace(body))
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// dynamodb makes a request of DynamoDB about a table.
func (e emulator) dynamodb(ctx context.Context, operation, table string, out any) error {
	return e.call(ctx, "dynamodb", "DynamoDB_20120810."+operation, map[string]any{"TableName": table}, out)
}

// secret returns the user and the password that a secret holds.
func (e emulator) secret(ctx context.Context, id string) (user, pass string, err error) {
	var got struct{ SecretString string }
	if err := e.call(ctx, "secretsmanager", "secretsmanager.GetSecretValue", map[string]any{"SecretId": id}, &got); err != nil {
		return "", "", err
	}
	var root struct{ User, Pass string }
	if err := json.Unmarshal([]byte(got.SecretString), &root); err != nil || root.User == "" || root.Pass == "" {
		return "", "", fmt.Errorf("the secret %s is not of the form {user, pass}", id)
	}
	return root.User, root.Pass, nil
}

// webSocket is where clients reach an API, without the stage.
func (e emulator) webSocket(api string) string {
	return strings.Replace(e.url, "http://", "ws://", 1) + "/_aws/execute-api/" + api
}
