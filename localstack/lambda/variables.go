package lambda

import (
	"cmp"
	"slices"
	"strings"
)

// variables is the environment of f's processes, whose Runtime API is at an address: what Lambda sets for its provided runtimes, without the folders
// of its images, and the deployment's. Nothing comes from this process's own: no profile of the user's AWS configuration, no proxy.
func (f *program) variables(address string) []string {
	own := map[string]string{
		"AWS_LAMBDA_RUNTIME_API":         address,
		"AWS_LAMBDA_FUNCTION_NAME":       f.name,
		"AWS_LAMBDA_FUNCTION_VERSION":    "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":      "/aws/lambda/" + f.name,
		"AWS_REGION":                     f.config.Region,
		"AWS_DEFAULT_REGION":             f.config.Region,
		"AWS_ACCESS_KEY_ID":              f.name, // a key of its own says whose a request is
		"AWS_SECRET_ACCESS_KEY":          cmp.Or(f.config.Secret, "local"),
		"AWS_SESSION_TOKEN":              SessionToken,
		"_HANDLER":                       "bootstrap",
		"LANG":                           "en_US.UTF-8",
		"TZ":                             ":UTC",
	}
	var all []string
	for name, value := range own {
		all = append(all, name+"="+value)
	}
	for name, value := range f.config.Env {
		all = append(all, name+"="+value)
	}
	slices.Sort(all)
	return all
}

// reserved tells which variables a deployment cannot set. AWS_ENDPOINT_URL is none of Lambda's.
func reserved(name string) bool {
	return strings.HasPrefix(name, "AWS_LAMBDA_") || slices.Contains([]string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "_HANDLER"}, name)
}
