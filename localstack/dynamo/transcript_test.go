package dynamo

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The transcripts in testdata are requests with the answers that the engine owes to DynamoDB. A line "Operation {json}" is a request; "= {json}"
// its answer, or "! Code {json}" its exception with, for a cancelled transaction, its reasons. A line that begins with "local" gives the answer
// of DynamoDB Local where it is known to differ, with the reason in the comment above it. Texts of messages are not compared.
//
// A run of one character is written {{x 1500}}.
//
// They run against the engine, and against DynamoDB Local too where NEXUS_DYNAMODB_LOCAL is its endpoint. With -record the answers of DynamoDB
// Local are written into the files for review; answers with a "local" line stay.

var recording = flag.Bool("record", false, "rewrite testdata from DynamoDB Local")

const localEndpoint = "NEXUS_DYNAMODB_LOCAL"

// exchange is a request and its answers in a transcript.
type exchange struct {
	comments []string
	line     int
	op, body string
	want     string
	local    string // "" where DynamoDB Local answers likewise
}

func readTranscript(t *testing.T, path string) []exchange {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []exchange
	var comments []string
	for i, line := range strings.Split(string(data), "\n") {
		line = longRun.ReplaceAllStringFunc(line, func(run string) string {
			parts := longRun.FindStringSubmatch(run)
			n, err := strconv.Atoi(parts[2])
			if err != nil {
				t.Fatal(err)
			}
			return strings.Repeat(parts[1], n)
		})
		switch {
		case line == "" || line[0] == '#':
			comments = append(comments, line)
		case strings.HasPrefix(line, "local "):
			out[len(out)-1].local = strings.TrimPrefix(line, "local ")
		case line[0] == '=' || line[0] == '!':
			out[len(out)-1].want = line
		default:
			op, body, ok := strings.Cut(line, " ")
			if !ok {
				t.Fatalf("%s:%d: %q", path, i+1, line)
			}
			out = append(out, exchange{comments: comments, line: i + 1, op: op, body: body})
			comments = nil
		}
	}
	return out
}

var longRun = regexp.MustCompile(`\{\{(\w) (\d+)\}\}`)

// shorten writes runs of over 200 of one character as readTranscript expands them.
func shorten(line string) string {
	var b strings.Builder
	for i := 0; i < len(line); {
		n := 1
		for i+n < len(line) && line[i+n] == line[i] {
			n++
		}
		if n > 200 {
			fmt.Fprintf(&b, "{{%c %d}}", line[i], n)
		} else {
			b.WriteString(line[i : i+n])
		}
		i += n
	}
	return b.String()
}

// call sends one request over the wire protocol and returns the answer as a transcript has it.
func call(t *testing.T, transport http.RoundTripper, endpoint, op, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, endpoint, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+op)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode == http.StatusOK {
		return "= " + string(out)
	}
	var e struct {
		Type    string            `json:"__type"`
		Item    json.RawMessage   `json:",omitempty"`
		Reasons []json.RawMessage `json:"CancellationReasons"`
	}
	if err := json.Unmarshal(out, &e); err != nil {
		t.Fatalf("%s: %v", out, err)
	}
	_, code, _ := strings.Cut(e.Type, "#")
	text := "! " + code
	switch {
	case e.Item != nil:
		text += " " + string(e.Item)
	case e.Reasons != nil:
		list, err := json.Marshal(e.Reasons)
		if err != nil {
			t.Fatal(err)
		}
		text += " " + string(list)
	}
	return text
}

// normal makes two answers that mean the same equal: sets are sorted, messages go, and so do empty members.
func normal(t *testing.T, answer string) string {
	t.Helper()
	i := strings.IndexAny(answer, "{[")
	if i < 0 {
		return answer
	}
	var v any
	d := json.NewDecoder(strings.NewReader(answer[i:]))
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", answer, err)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(clean(v)); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(answer[:i]) + " " + strings.TrimSpace(b.String())
}

// volatile are members that differ between engines by nature.
var volatile = []string{"Message", "TableId", "TableArn", "IndexArn", "CreationDateTime", "LatestStreamArn", "LatestStreamLabel",
	"LastUpdateToPayPerRequestDateTime", "LastIncreaseDateTime", "LastDecreaseDateTime", "TableSizeBytes", "IndexSizeBytes", "TableThroughputModeSummary",
	"WarmThroughput", "OnDemandThroughput"}

func clean(v any) any {
	switch x := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, e := range x {
			c := clean(e)
			if slices.Contains(volatile, k) || (k == "UnprocessedItems" || k == "UnprocessedKeys") && reflect.DeepEqual(c, map[string]any{}) {
				continue
			}
			if list, ok := c.([]any); ok && (slices.Contains([]string{"SS", "NS", "BS", "AttributeDefinitions", "NonKeyAttributes", "ConsumedCapacity"}, k) ||
				k == "GlobalSecondaryIndexes" || k == "LocalSecondaryIndexes") {
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			}
			out[k] = c
		}
		return out
	case []any:
		for i := range x {
			x[i] = clean(x[i])
		}
	}
	return v
}

func transcripts(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	return files
}

func TestTranscripts(t *testing.T) {
	for _, file := range transcripts(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			e := New(Config{})
			t.Cleanup(e.Close)
			for _, x := range readTranscript(t, file) {
				got := call(t, e, "http://dynamodb.local/", x.op, x.body)
				if normal(t, got) != normal(t, x.want) {
					t.Errorf("%s:%d: %s %s\n got %s\nwant %s", file, x.line, x.op, x.body, normal(t, got), normal(t, x.want))
				}
			}
		})
	}
}

func TestTranscriptsAgainstDynamoDBLocal(t *testing.T) {
	endpoint := os.Getenv(localEndpoint)
	if endpoint == "" {
		t.Skipf("SKIPPED: the transcripts were not held against DynamoDB Local; set %s to its endpoint", localEndpoint)
	}
	for _, file := range transcripts(t) {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			dropTables(t, endpoint)
			list := readTranscript(t, file)
			token := fmt.Sprintf(`"%x-`, time.Now().UnixNano()) // DynamoDB Local remembers tokens of earlier runs
			for i, x := range list {
				want := x.want
				if x.local != "" {
					want = x.local
				}
				got := call(t, http.DefaultTransport, endpoint, x.op, strings.ReplaceAll(x.body, `"token-`, token))
				if *recording && x.local == "" {
					list[i].want = normal(t, got)
				} else if normal(t, got) != normal(t, want) {
					t.Errorf("%s:%d: %s %s\n got %s\nwant %s", file, x.line, x.op, x.body, normal(t, got), normal(t, want))
				}
			}
			if *recording {
				writeTranscript(t, file, list)
			}
		})
	}
}

func dropTables(t *testing.T, endpoint string) {
	t.Helper()
	var tables struct{ TableNames []string }
	if err := json.Unmarshal([]byte(call(t, http.DefaultTransport, endpoint, "ListTables", "{}")[2:]), &tables); err != nil {
		t.Fatal(err)
	}
	for _, name := range tables.TableNames {
		call(t, http.DefaultTransport, endpoint, "DeleteTable", `{"TableName":"`+name+`"}`)
	}
}

func writeTranscript(t *testing.T, file string, list []exchange) {
	t.Helper()
	var b strings.Builder
	for _, x := range list {
		for _, c := range x.comments {
			b.WriteString(c + "\n")
		}
		b.WriteString(x.op + " " + shorten(x.body) + "\n" + shorten(x.want) + "\n")
		if x.local != "" {
			b.WriteString("local " + shorten(x.local) + "\n")
		}
	}
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
