package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
)

// examine runs the doctor for a deployment by the CDK's arguments, in the folder of cdk.json. It writes what it found to standard error, and to
// standard output the arguments that the CDK is to be given besides.
func examine(ctx context.Context, arguments []string) error {
	given, profile, err := readArguments(arguments)
	if err != nil {
		return err
	}
	all, err := fileContext("cdk.json")
	if err != nil {
		return err
	}
	for name, value := range given {
		all[name] = value
	}
	options, err := ParseOptions(all)
	if err != nil {
		return err
	}
	_, said := all["accountLogRole"]
	d := &doctor{Options: options, logRoleGiven: said, arguments: arguments, out: os.Stderr, node: nodeVersion,
		config: func(ctx context.Context) (aws.Config, error) {
			return config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile))
		}}
	besides, err := d.look(ctx)
	if err != nil {
		return err
	}
	for _, c := range besides {
		fmt.Printf("--context %s ", c)
	}
	fmt.Println()
	return nil
}

// readArguments finds the context and the profile among arguments of the CDK: -c name=value, --context name=value, --context=name=value, --profile name.
func readArguments(arguments []string) (given map[string]string, profile string, err error) {
	given = map[string]string{}
	for n := 0; n < len(arguments); n++ {
		name, value, joined := strings.Cut(arguments[n], "=")
		switch name {
		case "-c", "--context", "--profile":
		default:
			continue
		}
		if !joined {
			if n++; n == len(arguments) {
				return nil, "", fmt.Errorf("%s: nothing follows it", name)
			}
			value = arguments[n]
		}
		if name == "--profile" {
			profile = value
			continue
		}
		key, v, ok := strings.Cut(value, "=")
		if !ok {
			return nil, "", fmt.Errorf("%s %s: not of the form name=value", name, value)
		}
		if old, twice := given[key]; twice && old != v {
			return nil, "", fmt.Errorf("the option %s is given twice, as %s and as %s", key, old, v)
		}
		given[key] = v
	}
	return given, profile, nil
}

// fileContext reads the context of a cdk.json, which may be missing.
func fileContext(name string) (map[string]string, error) {
	out := map[string]string{}
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	var file struct{ Context map[string]any }
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	for key, value := range file.Context {
		out[key] = textOf(value)
	}
	return out, nil
}
