package main

import (
	"errors"
	"flag"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"nexus/localstack/emulator"
	"nexus/localstack/transcript"
	"nexus/pkg/store"
)

func TestVersions(t *testing.T) {
	node := tool{major: 20, minor: 1}
	for text, want := range map[string]bool{
		"v20.20.2\n": true, "v20.1.0": true, "v22.0.0": true, "v20.0.9": false, "v18.99.0": false, "": false, "no version": false,
		"go version go1.26.8 linux/amd64": false,
	} {
		if got := node.takes(version(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// What is missing is said by name, all of it at once.
func TestAMachineWithoutTools(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := machine(t.Context())
	for _, want := range []string{"go version is missing", "install Node", "python3-venv"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}

// pip takes no package without a hash, and README.md names the release.
func TestRequirements(t *testing.T) {
	release := regexp.MustCompile(`(?m)^ministack==(\S+) \\$`).FindSubmatch(requirements)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if release == nil || !strings.Contains(string(readme), "MiniStack "+string(release[1])) {
		t.Errorf("README.md does not name the release %s", release)
	}
}

// A table as DescribeTable has it reads as the schema does, and one that lacks something does not.
func TestTablesInWords(t *testing.T) {
	declared := store.Table{Name: "x", Partition: "part", Sort: "id", Local: []store.Index{{Name: "queue", Sort: "queue"}},
		Global: []store.Index{{Name: "by", Partition: "owner", Sort: "id", Include: []string{"exp"}}}, Stream: store.KeysOnly, TTL: true}
	got := table{KeySchema: keySchema{{"part"}, {"id"}}, LocalSecondaryIndexes: []index{{IndexName: "queue", KeySchema: keySchema{{"part"}, {"queue"}}}}}
	by := index{IndexName: "by", KeySchema: keySchema{{"owner"}, {"id"}}}
	by.Projection.NonKeyAttributes = []string{"exp"}
	got.GlobalSecondaryIndexes = []index{by}
	got.StreamSpecification.StreamViewType, got.BillingModeSummary.BillingMode = "KEYS_ONLY", "PAY_PER_REQUEST"
	if a, b := got.inWords(store.AttrExpires, "ENABLED"), declaredInWords(declared); a != b {
		t.Errorf("%s\n%s", a, b)
	}
	if got.inWords("", "ENABLED") == declaredInWords(declared) {
		t.Error("time to live is not looked at")
	}
	got.LocalSecondaryIndexes = nil
	if got.inWords(store.AttrExpires, "ENABLED") == declaredInWords(declared) {
		t.Error("indexes are not looked at")
	}
}

// What destroy leaves is named; and a list that was empty while there was a stack proves nothing.
func TestWhatIsLeft(t *testing.T) {
	there := inventory{}
	for _, k := range kinds {
		there[k.name] = []string{"nexus"}
	}
	if err := (inventory{}).compare(inventory{}, there); err != nil {
		t.Error(err)
	}
	if err := (inventory{"queue": {"nexus-timer"}}).compare(inventory{}, there); err == nil || !strings.Contains(err.Error(), "nexus-timer") {
		t.Error(err)
	}
	delete(there, "rule")
	if err := (inventory{}).compare(inventory{}, there); err == nil || !strings.Contains(err.Error(), "no rule") {
		t.Error(err)
	}
}

// answering is an emulator that answers by target or path.
func answering(t *testing.T, answers map[string]string) miniStack {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		what := r.Header.Get("X-Amz-Target")
		if what == "" {
			what = r.URL.Path
		}
		answer, known := answers[what]
		if !known {
			w.WriteHeader(http.StatusBadRequest)
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return miniStack{emulator.Emulator{URL: s.URL}}
}

func TestErrorsLogged(t *testing.T) {
	answers := map[string]string{
		"Logs_20140328.DescribeLogGroups":  `{"logGroups":[{"logGroupName":"/aws/lambda/nexus-task"}]}`,
		"Logs_20140328.DescribeLogStreams": `{"logStreams":[{}]}`,
		"Logs_20140328.FilterLogEvents":    `{"events":[{"message":"{\"level\":\"INFO\",\"error\":null}"}]}`,
		"AmazonSQS.GetQueueAttributes":     `{"Attributes":{"ApproximateNumberOfMessages":"0"}}`,
	}
	if err := errorsLogged(t.Context(), answering(t, answers)); err != nil {
		t.Error(err)
	}
	answers["Logs_20140328.DescribeLogStreams"] = `{}`
	if err := errorsLogged(t.Context(), answering(t, answers)); err == nil {
		t.Error("nothing is logged, and nothing was said of it")
	}
	answers["Logs_20140328.FilterLogEvents"] = `{"events":[{"message":"{\"level\":\"ERROR\",\"msg\":\"denied\"}"}]}`
	answers["AmazonSQS.GetQueueAttributes"] = `{"Attributes":{"ApproximateNumberOfMessages":"2"}}`
	err := errorsLogged(t.Context(), answering(t, answers))
	if err == nil || !strings.Contains(err.Error(), "denied") || !strings.Contains(err.Error(), `"2" messages`) {
		t.Error(err)
	}
}

func TestSourcesRead(t *testing.T) {
	const path = "/2015-03-31/event-source-mappings/"
	list := func(result string) map[string]string {
		return map[string]string{path: `{"EventSourceMappings":[{"EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:nexus-timer",` +
			`"LastProcessingResult":"` + result + `"}]}`}
	}
	if said, err := sourcesRead(t.Context(), answering(t, list("OK - 3 records"))); said != "nexus-timer OK - 3 records" || err != nil {
		t.Errorf("%q, %v", said, err)
	}
	mappings, err := answering(t, list("No records processed")).mappings(t.Context())
	if err != nil || len(mappings) != 1 || unread(mappings) == nil {
		t.Errorf("%v, %v", mappings, err)
	}
}

// Stories are sorted into suites, and each that was to be played is in the report.
func TestStories(t *testing.T) {
	var out strings.Builder
	s := stories{"../..", regexp.MustCompile(`^(deadline|sys.ping|sys.watchdog.silence|task.pull.root)\.txt$`), 1, 0, &out}
	report, err := s.play(t.Context(), &transcript.WebSocket{URL: "ws://127.0.0.1:9"})
	if err == nil || len(report.Results) != 4 || len(report.Failed()) != 3 || len(report.LeftOut()) != 1 {
		t.Errorf("%v, %v", report, err)
	}
}

func TestTheLogIsKept(t *testing.T) {
	s := &server{log: filepath.Join(t.TempDir(), "log")}
	kept := filepath.Join(t.TempDir(), "kept")
	if err := s.keepLog(kept); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is no log: %v", err)
	}
	if err := os.WriteFile(s.log, []byte("line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.keepLog(kept); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(kept); string(text) != "line\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
}

func TestMistakes(t *testing.T) {
	for args, want := range map[string]string{"-together=0": "at least 1", "-run=(": "-run", "more": `not "more"`} {
		if err := run(t.Context(), []string{args}, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
	if err := run(t.Context(), []string{"-nosuch"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Error(err)
	}
}
