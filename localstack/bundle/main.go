// Command bundle makes the zip that Lambda takes of each function built: `go run ./localstack/bundle build/task` makes build/task.zip of
// build/task/bootstrap. The same program gives the same bytes, so that a deployment sees what changed. It fails where a function is too big.
package main

import (
	"archive/zip"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// MaxSize is what a function's program for Lambda must stay under, in bytes, unzipped: a cold start reads all of it. One for an emulator on this
// machine's processor, which may need more room for the same, is bundled with another -limit.
const MaxSize = 10_000_000

// entry is the name under which Lambda's provided runtimes start a program.
const entry = "bootstrap"

func main() {
	limit := flag.Int("limit", MaxSize, "what a program must stay under, in bytes")
	flag.Parse()
	var failed []error
	for _, dir := range flag.Args() {
		size, zipped, err := bundle(dir, *limit)
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", dir, err))
			continue
		}
		fmt.Printf("%s.zip: %.1f MB, unzipped %.1f MB\n", dir, float64(zipped)/1e6, float64(size)/1e6)
	}
	if err := errors.Join(failed...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bundle makes <dir>.zip and returns the sizes of the program and of the zip, in bytes. There is no zip of a program that is too big.
func bundle(dir string, limit int) (size, zipped int, err error) {
	program, err := os.ReadFile(filepath.Join(dir, entry))
	if err != nil {
		return 0, 0, err
	}
	out := filepath.Clean(dir) + ".zip"
	if len(program) >= limit {
		return 0, 0, errors.Join(fmt.Errorf("%s has %d bytes, and must have less than %d", entry, len(program), limit), removed(out))
	}
	file, err := os.Create(out)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := write(zip.NewWriter(file), program); err != nil {
		return 0, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return 0, 0, err
	}
	return len(program), int(info.Size()), nil
}

// write writes the zip's only entry: executable, and of a time that is always the same (the first that a zip can hold).
func write(z *zip.Writer, program []byte) error {
	header := &zip.FileHeader{Name: entry, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err != nil {
		return err
	}
	if _, err := w.Write(program); err != nil {
		return err
	}
	return z.Close()
}

// removed takes away the zip of an earlier build.
func removed(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
