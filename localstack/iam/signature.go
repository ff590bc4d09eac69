package iam

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// algorithm is how requests are signed (AWS Signature Version 4).
const algorithm = "AWS4-HMAC-SHA256"

// skew is how old a signature may be, and how far in the future.
const skew = 5 * time.Minute

// signature is a request's Authorization header taken apart: AWS4-HMAC-SHA256 Credential=<id>/<date>/<region>/<service>/aws4_request,
// SignedHeaders=<names>, Signature=<hex>.
type signature struct {
	id, scope       string // the access key's id, and all that stands behind it
	region, service string
	headers         []string
}

func parseSignature(authorization string) (s signature, ok bool) {
	how, rest, _ := strings.Cut(authorization, " ")
	if how != algorithm {
		return s, false
	}
	for part := range strings.SplitSeq(rest, ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "Credential":
			s.id, s.scope, _ = strings.Cut(value, "/")
		case "SignedHeaders":
			s.headers = strings.Split(value, ";")
		}
	}
	scope := strings.Split(s.scope, "/")
	if s.id == "" || len(scope) != 4 || scope[3] != "aws4_request" {
		return s, false
	}
	s.region, s.service = scope[1], scope[2]
	return s, true
}

// What is wrong with a request's signature, as AWS names and says it.
var (
	missingToken = Denial{"MissingAuthenticationTokenException", "Request is missing Authentication Token"}
	unknownToken = Denial{"UnrecognizedClientException", "The security token included in the request is invalid."}
	incomplete   = Denial{"IncompleteSignatureException", "The Authorization header is not of the form that AWS Signature Version 4 has."}
	expired      = Denial{"InvalidSignatureException", "Signature expired, or not yet current"}
	mismatch     = Denial{"InvalidSignatureException", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access " +
		"Key and signing method. Consult the service documentation for details."}
)

// Denial is why a request is nobody's.
type Denial struct{ Exception, Message string }

// authenticate tells by its signature whose a request with a body is: the id of the access key. It signs the request once more, as the SDK does, and
// compares.
func (g *Guard) authenticate(r *http.Request, body []byte) (id string, no *Denial) {
	given := r.Header.Get("Authorization")
	if given == "" {
		return "", &missingToken
	}
	s, ok := parseSignature(given)
	if !ok {
		return "", &incomplete
	}
	var key aws.Credentials
	known := false
	if g.Key != nil {
		key, known = g.Key(s.id)
	}
	if !known {
		return "", &unknownToken
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return "", &incomplete
	}
	if age := time.Since(at); age > skew || age < -skew {
		return "", &expired
	}
	again := &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: http.Header{}}
	copied := *r.URL // which the signer may change
	again.URL = &copied
	for _, name := range s.headers {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = int64(len(body))
		default:
			if values := r.Header.Values(name); len(values) > 0 {
				again.Header[http.CanonicalHeaderKey(name)] = values
			}
		}
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), key, again, hex.EncodeToString(sum[:]), s.service, s.region, at); err != nil {
		return "", &mismatch
	}
	if subtle.ConstantTimeCompare([]byte(again.Header.Get("Authorization")), []byte(given)) != 1 {
		return "", &mismatch
	}
	return s.id, nil
}

// Key is the credentials by which a function signs its requests, of an access key id: a function's name.
type Key = func(id string) (aws.Credentials, bool)
