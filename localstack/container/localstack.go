package main

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"nexus/localstack/emulator"
	"nexus/pkg/handler"
	"nexus/pkg/nexus"
)

// localStack is LocalStack as its functions are looked at and told of an address.
type localStack struct{ emulator.Emulator }

// configuration is what matters here of a function's.
type configuration struct {
	FunctionName string
	Environment  struct{ Variables map[string]string }
}

// redirect has the functions that post to connections do so at an address of the emulator's.
func (l localStack) redirect(ctx context.Context, to, api string) error {
	functions, err := l.functions(ctx)
	if err != nil {
		return err
	}
	redirected := 0
	for _, f := range functions {
		variables := f.Environment.Variables
		if !strings.HasPrefix(variables[handler.EnvCallbackV0], "http") || !strings.Contains(variables[handler.EnvCallbackV0]+"/", api) {
			continue // of another stack, or one that posts to nobody
		}
		variables[handler.EnvCallbackV0] = to + emulator.APIPath(api) + "/" + nexus.V0
		variables[handler.EnvCallbackV1] = to + emulator.APIPath(api) + "/" + nexus.V1
		path := "/2015-03-31/functions/" + url.PathEscape(f.FunctionName) + "/configuration"
		if err := l.Ask(ctx, http.MethodPut, "lambda", path, map[string]any{"Environment": f.Environment}, &configuration{}); err != nil {
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
func (l localStack) functions(ctx context.Context) ([]configuration, error) {
	var all []configuration
	for marker := ""; ; {
		var page struct {
			Functions  []configuration
			NextMarker string
		}
		if err := l.Ask(ctx, http.MethodGet, "lambda", "/2015-03-31/functions/?Marker="+url.QueryEscape(marker), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Functions...)
		if marker = page.NextMarker; marker == "" {
			return all, nil
		}
	}
}
