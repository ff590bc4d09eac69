package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
)

// proxyResponse is what counts of a function's result in the Lambda proxy format.
type proxyResponse struct {
	StatusCode  int // 200–599
	Body        string
	Subprotocol string // header Sec-WebSocket-Protocol
}

// parseProxyResponse reads a function's result. It is as strict as API Gateway has been reported to be: the result is an object with a status code
// and with no member that the format lacks; names match exactly.
func parseProxyResponse(result []byte) (proxyResponse, error) {
	var p proxyResponse
	if !json.Valid(result) {
		return p, errors.New("malformed result: not JSON")
	}
	if b := bytes.TrimLeft(result, " \t\r\n"); b[0] != '{' {
		return p, errors.New("malformed result: not an object")
	}
	var err error
	members(result, func(name, value []byte) {
		if e := p.set(string(name), value); e != nil && err == nil {
			err = fmt.Errorf("malformed result: %s: %w", name, e)
		}
	})
	if err == nil && p.StatusCode == 0 {
		err = errors.New("malformed result: no statusCode")
	}
	return p, err
}

func (p *proxyResponse) set(name string, value []byte) error {
	null := string(value) == "null"
	switch name {
	case "statusCode":
		status, err := strconv.Atoi(string(value))
		if err != nil || status < 200 || status > 599 {
			return errors.New("not an integer from 200 to 599")
		}
		p.StatusCode = status
	case "body":
		switch {
		case null:
			p.Body = ""
		case value[0] == '"':
			p.Body = string(unquote(value))
		default:
			return errors.New("not a string")
		}
	case "isBase64Encoded":
		if !null && string(value) != "false" {
			return errors.New("a WebSocket API sends text only")
		}
	case "headers":
		if null { // as aws-lambda-go writes it each time
			return nil
		}
		var headers map[string]string
		if err := json.Unmarshal(value, &headers); err != nil {
			return errors.New("not an object of strings")
		}
		for name, value := range headers {
			if http.CanonicalHeaderKey(name) == "Sec-Websocket-Protocol" {
				p.Subprotocol = value
			}
		}
	case "multiValueHeaders":
		if null {
			return nil
		}
		var headers map[string][]string
		if err := json.Unmarshal(value, &headers); err != nil {
			return errors.New("not an object of lists of strings")
		}
	default:
		return errors.New("no member of a proxy response")
	}
	return nil
}
