package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func program(t *testing.T, content []byte) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "task")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheZipHoldsTheProgramExecutableAndIsAlwaysTheSame(t *testing.T) {
	content := bytes.Repeat([]byte("go"), 1000)
	var first []byte
	for n := range 2 {
		dir := program(t, content)
		if err := os.Chtimes(filepath.Join(dir, "bootstrap"), time.Time{}, time.Unix(int64(n)*1e8, 0)); err != nil {
			t.Fatal(err)
		}
		size, zipped, err := bundle(dir, MaxSize)
		if err != nil || size != len(content) {
			t.Fatal(size, err)
		}
		file, err := os.ReadFile(dir + ".zip")
		if err != nil || len(file) != zipped {
			t.Fatalf("%d bytes, told %d: %v", len(file), zipped, err)
		}
		if n == 0 {
			first = file
		} else if !bytes.Equal(file, first) {
			t.Error("two zips of one program differ")
		}
	}
	r, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil || len(r.File) != 1 {
		t.Fatal(r, err)
	}
	f := r.File[0]
	if f.Name != "bootstrap" || f.Mode() != 0o755 {
		t.Errorf("%s %v", f.Name, f.Mode())
	}
	in, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(in); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

func TestAProgramThatIsTooBigIsRefusedAndAnOlderZipOfItGoes(t *testing.T) {
	dir := program(t, make([]byte, MaxSize-1))
	if _, _, err := bundle(dir, MaxSize); err != nil {
		t.Fatal("under the limit:", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), make([]byte, MaxSize), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := bundle(dir, MaxSize); err == nil {
		t.Error("at the limit: no error")
	}
	if _, err := os.Stat(dir + ".zip"); !os.IsNotExist(err) {
		t.Errorf("the older zip: %v", err)
	}
}
