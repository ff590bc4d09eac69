package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"nexus/pkg/handler"
	"nexus/pkg/nexus"
)

// Where LocalStack's world is.
const (
	region  = "us-east-1"
	account = "000000000000"
	key     = "test"
)

// emulator is a LocalStack by its URL. It is asked as the services' APIs are; it looks at no signature.
type emulator struct{ url string }

// webSocket is where clients reach an API, without the stage.
func (e emulator) webSocket(api string) string {
	return strings.Replace(e.url, "http", "ws", 1) + connections(api)
}

// connections is the path of an API on an emulator that is not asked by the API's own host name.
func connections(api string) string { return "/_aws/execute-api/" + api }

// secret returns the user and the password that a secret holds.
func (e emulator) secret(ctx context.Context, id string) (user, pass string, err error) {
	var got struct{ SecretString string }
	if err := e.ask(ctx, http.MethodPost, "secretsmanager", "/", "secretsmanager.GetSecretValue", map[string]any{"SecretId": id}, &got); err != nil {
		return "", "", err
	}
	var root struct{ User, Pass string }
	if err := json.Unmarshal([]byte(got.SecretString), &root); err != nil || root.User == "" || root.Pass == "" {
		return "", "", fmt.Errorf("the secret %s is not of the form {user, pass}", id)
	}
	return root.User, root.Pass, nil
}

// configuration is what matters here of a function's.
type configuration struct {
	FunctionName string
	Environment  struct{ Variables map[string]string }
}

// redirect has the functions that post to connections do so at an address of the emulator's.
func (e emulator) redirect(ctx context.Context, to, api string) error {
	functions, err := e.functions(ctx)
	if err != nil {
		return err
	}
	redirected := 0
	for _, f := range functions {
		variables := f.Environment.Variables
		if !strings.HasPrefix(variables[handler.EnvCallbackV0], "http") || !strings.Contains(variables[handler.EnvCallbackV0]+"/", api) {
			continue // of another stack, or one that posts to nobody
		}
		variables[handler.EnvCallbackV0] = to + connections(api) + "/" + nexus.V0
		variables[handler.EnvCallbackV1] = to + connections(api) + "/" + nexus.V1
		path := "/2015-03-31/functions/" + url.PathEscape(f.FunctionName) + "/configuration"
		if err := e.ask(ctx, http.MethodPut, "lambda", path, "", map[string]any{"Environment": f.Environment}, &configuration{}); err != nil {
			return err
		}
		redirected++
	}
	if redirected == 0 {
		return errors.New("no function has the API's callback address")
	}
	return nil
}

// functions lists all functions, page by page.
func (e emulator) functions(ctx context.Context) ([]configuration, error) {
	var all []configuration
	for marker := ""; ; {
		var page struct {
			Functions  []configuration
			NextMarker string
		}
		if err := e.ask(ctx, http.MethodGet, "lambda", "/2015-03-31/functions/?Marker="+url.QueryEscape(marker), "", nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Functions...)
		if marker = page.NextMarker; marker == "" {
			return all, nil
		}
	}
}

// ask makes a request of a service: by path, or by X-Amz-Target where it has no paths.
func (e emulator) ask(ctx context.Context, method, service, path, target string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, e.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	if target != "" {
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", target)
	}
	r.Header.Set("Authorization", // whose scope tells the services apart
		fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/20260101/%s/%s/aws4_request, SignedHeaders=host, Signature=0", key, region, service))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s%s: %s: %s", method, path, target, response.Status, bytes.TrimSpace(text))
	}
	return json.Unmarshal(text, out)
}
