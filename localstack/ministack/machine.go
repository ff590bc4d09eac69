package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
)

// A tool is what the machine must have: at least a version, which it prints when it is asked with arguments.
type tool struct {
	program   string
	arguments []string
	major     int
	minor     int
	remedy    string
}

var tools = []tool{
	{"go", []string{"version"}, 1, 21, "install Go"},
	{"node", []string{"--version"}, 20, 0, "install Node 20 or later"},
	{"npx", []string{"--version"}, 0, 0, "install npm, which has it"},
	{"python3", []string{"--version"}, 3, 10, "install Python 3.10 or later"},
	{"python3", []string{"-c", "import ensurepip, platform, venv; print(platform.python_version())"}, 3, 10, "install Python's venv (Debian: python3-venv)"},
}

// machine says what the machine has, or what it lacks.
func machine(ctx context.Context) (string, error) {
	if runtime.GOOS == "windows" {
		return "", errors.New("MiniStack, as it is started here, needs a unix")
	}
	var has []string
	var lacks []error
	for _, t := range tools {
		text, err := exec.CommandContext(ctx, t.program, t.arguments...).Output()
		found := version(string(text))
		switch {
		case err != nil:
			lacks = append(lacks, fmt.Errorf("%s is missing (%w): %s", strings.Join(append([]string{t.program}, t.arguments...), " "), err, t.remedy))
		case !t.takes(found):
			lacks = append(lacks, fmt.Errorf("%s is %q: %s", t.program, strings.TrimSpace(string(text)), t.remedy))
		case t.arguments[0] != "-c":
			has = append(has, t.program+" "+found)
		}
	}
	return strings.Join(has, ", "), errors.Join(lacks...)
}

var digits = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// version finds the version in what a program printed; empty if there is none.
func version(text string) string { return digits.FindString(text) }

func (t tool) takes(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, err := strconv.Atoi(major)
	b, err2 := strconv.Atoi(minor)
	return err == nil && err2 == nil && (a > t.major || a == t.major && b >= t.minor)
}
