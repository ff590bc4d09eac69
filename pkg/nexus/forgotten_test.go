package nexus_test

import (
	"cmp"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"nexus/pkg/nexus"
)

// calls reads the list of the protocol's calls: the stages that each is on.
func calls(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/calls.list")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`^(\S+) +(v0 v1|v0|v1) +\S`)
	all := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		found := row.FindStringSubmatch(line)
		if found == nil || all[found[1]] != nil {
			t.Fatalf("calls.list: %s", line)
		}
		all[found[1]] = strings.Fields(found[2])
	}
	return all
}

// The method table has the calls of the protocol, on their stages, and no others.
func TestTheTableIsTheProtocols(t *testing.T) {
	want := calls(t)
	for _, m := range nexus.Methods() {
		stages := nexus.Stages()
		if m.Only != "" {
			stages = []string{m.Only}
		}
		if !slices.Equal(want[m.Name], stages) {
			t.Errorf("%s is on %v, and is to be on %v", m.Name, stages, want[m.Name])
		}
		delete(want, m.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		t.Errorf("%s is missing", name)
	}
}

// Each call is in a transcript that gets its result, on each stage that has it, and in one that gets an error.
func TestEachCallHasItsTranscripts(t *testing.T) {
	played := transcripts(t)
	for name, stages := range calls(t) {
		for _, stage := range stages {
			if !played[outcome{name, stage, "result"}] {
				t.Errorf("no transcript gets a result of %s on %s", name, stage)
			}
		}
		if !played[outcome{name, nexus.V0, "error"}] && !played[outcome{name, nexus.V1, "error"}] {
			t.Errorf("no transcript gets an error of %s", name)
		}
	}
}

// outcome is what a transcript shows: that a call on a stage was answered with a result or an error.
type outcome struct{ method, stage, kind string }

var (
	sent     = regexp.MustCompile(`^(\S+) (?:-->|~~>) .*?"method": ?"([^"]+)"`)
	sentID   = regexp.MustCompile(`^\S+ (?:-->|~~>) \{(?:"jsonrpc":"2.0",)?"id": ?("[^"]*"|[^,}]+)`)
	answered = regexp.MustCompile(`^(\S+) <-- \{(?:"jsonrpc":"2.0",)?"id": ?("[^"]*"|[^,}]+), ?"(result|error)"`)
	opened   = regexp.MustCompile(`^(\S+) connect /(\S+)`)
)

// transcripts reads what all transcripts show. An answer is that of the last request of its connection with its id.
func transcripts(t *testing.T) map[outcome]bool {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	shown := map[outcome]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		stages := []string{nexus.V0}
		own := map[string]string{}         // the stage of a connection that is not on the story's
		requests := map[[2]string]string{} // by connection and id
		for line := range strings.Lines(joined(string(text))) {
			line = strings.TrimSpace(line)
			if on, ok := strings.CutPrefix(line, "on "); ok {
				stages = strings.Fields(strings.ReplaceAll(on, "/", ""))
			} else if found := opened.FindStringSubmatch(line); found != nil {
				own[found[1]] = found[2]
			} else if found := sent.FindStringSubmatch(line); found != nil {
				if id := sentID.FindStringSubmatch(line); id != nil {
					requests[[2]string{found[1], id[1]}] = found[2]
				}
			} else if found := answered.FindStringSubmatch(line); found != nil {
				for _, stage := range stages {
					shown[outcome{requests[[2]string{found[1], found[2]}], cmp.Or(own[found[1]], stage), found[3]}] = true
				}
			}
		}
	}
	return shown
}

// joined puts lines that go on with the one before them behind it.
func joined(text string) string {
	return regexp.MustCompile(`\n[ \t]+`).ReplaceAllString(text, "")
}

// events are where the samples of events are.
const events = "../../events"

// Each route and each source has a sample of its event, and there is no other.
func TestEachRouteAndSourceHasItsEvent(t *testing.T) {
	want := map[string]string{"schedule": "", "timer": ""}
	for _, r := range nexus.Routes() {
		want[strings.TrimPrefix(r.Key, "$")] = r.Key
	}
	for _, s := range nexus.Streams() {
		want["stream."+s.Table] = ""
	}
	files, err := os.ReadDir(events)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(file.Name(), ".json")
		key, known := want[name]
		if !known || name == file.Name() {
			t.Errorf("%s is the event of no route and no source", file.Name())
			continue
		}
		delete(want, name)
		text, err := os.ReadFile(filepath.Join(events, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		var event struct {
			RequestContext struct{ RouteKey string }
			Body           string
		}
		if err := json.Unmarshal(text, &event); err != nil {
			t.Errorf("%s: %v", file.Name(), err)
			continue
		}
		if event.RequestContext.RouteKey != key {
			t.Errorf("%s is of the route %q", file.Name(), event.RequestContext.RouteKey)
		}
		var request struct{ Method string }
		if key != "" && key[0] != '$' && (json.Unmarshal([]byte(event.Body), &request) != nil || request.Method != key) {
			t.Errorf("%s has the method %q", file.Name(), request.Method)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		t.Errorf("there is no events/%s.json", name)
	}
}

// Each route leads to a function, each function has a route or a source and a folder, and there is no folder else but that of what makes a deployment.
func TestEachFunctionIsReached(t *testing.T) {
	reached := map[string]bool{nexus.FunctionTimer: true} // of the delay queue and the schedule
	for _, r := range nexus.Routes() {
		reached[r.Function] = true
	}
	for _, s := range nexus.Streams() {
		reached[s.Function] = true
	}
	for _, name := range nexus.Functions() {
		if !reached[name] {
			t.Errorf("nothing calls the function %s", name)
		}
		delete(reached, name)
	}
	for name := range reached {
		t.Errorf("there is no function %q", name)
	}
	folders, err := os.ReadDir("../../functions")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, folder := range folders {
		found = append(found, folder.Name())
	}
	want := append(nexus.Functions(), nexus.FunctionSetup)
	slices.Sort(want)
	if !slices.Equal(found, want) {
		t.Errorf("functions has the folders %v; the functions are %v", found, want)
	}
}
