package handler

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// secrets is Secrets Manager. Its one call is made once in a deployment's life, for which the SDK's client, in every function's program, would be much.
type secrets struct {
	aws.Config
	endpoint string
}

// get returns the text of a secret by its name or ARN (GetSecretValue).
func (s secrets) get(ctx context.Context, name string, now time.Time) (string, error) {
	body, err := json.Marshal(map[string]string{"SecretId": name})
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "secretsmanager.GetSecretValue")
	key, err := s.Credentials.Retrieve(ctx)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, key, r, hex.EncodeToString(sum[:]), "secretsmanager", s.Region, now); err != nil {
		return "", err
	}
	answer, err := http.DefaultClient.Do(r) // as long as ctx lets it: no repair waits for its end, but a deployment does
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	const most = 100 << 10 // a secret has at most 64 KB
	text, err := io.ReadAll(io.LimitReader(answer.Body, most))
	if err != nil {
		return "", err
	}
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("GetSecretValue: %s: %s", answer.Status, text)
	}
	var value struct{ SecretString *string }
	if err := json.Unmarshal(text, &value); err != nil || value.SecretString == nil {
		return "", errors.New("GetSecretValue: no text")
	}
	return *value.SecretString, nil
}
