package main

import (
	"archive/zip"
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"

	"nexus/localstack/lambda"
	"nexus/pkg/nexus"
)

// buildFunctions makes the functions' zips in dir as `make build` does, but for this machine, whose processor is what runs them here.
func buildFunctions(ctx context.Context, dir string) ([]string, error) {
	names := append(slices.Clone(nexus.Functions()), nexus.FunctionSetup)
	programs, err := lambda.Build(ctx, dir, "nexus/functions", names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := pack(programs[name], filepath.Join(dir, name+".zip")); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// pack makes a zip of a program, as Lambda's provided runtimes take it.
func pack(program, to string) (err error) {
	in, err := os.Open(program)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() {
		if closed := out.Close(); err == nil {
			err = closed
		}
	}()
	z := zip.NewWriter(out)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, in); err != nil {
		return err
	}
	return z.Close()
}
