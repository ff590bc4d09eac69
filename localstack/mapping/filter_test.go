package mapping

import (
	"strings"
	"testing"
)

const sample = `{"eventName":"INSERT","awsRegion":"us-east-1","dynamodb":{"Keys":{"id":{"S":"row-7"}},"SizeBytes":26,` +
	`"NewImage":{"tags":{"SS":["a","b"]},"n":{"N":"300"},"gone":{"NULL":true},"list":{"L":[{"S":"x","N":"1"},{"S":"y","N":"2"}]},"empty":{"S":""}}}}`

func TestFilters(t *testing.T) {
	for _, c := range []struct {
		pattern string
		want    bool
	}{
		{`{"eventName":["INSERT"]}`, true},
		{`{"eventName":["insert"]}`, false},
		{`{"eventName":["MODIFY","INSERT"]}`, true},
		{`{"eventName":["INSERT"],"awsRegion":["eu-west-1"]}`, false},
		{`{"eventName":["INSERT","MODIFY"],"dynamodb":{"Keys":{"id":{"S":[{"prefix":"row-"}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"id":{"S":[{"prefix":"col-"}]}}}}`, false},
		{`{"dynamodb":{"Keys":{"id":{"S":[{"suffix":"-7"}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"id":{"S":[{"equals-ignore-case":"ROW-7"}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"id":{"S":[{"anything-but":"row-7"}]}}}}`, false},
		{`{"dynamodb":{"Keys":{"id":{"S":[{"anything-but":["row-8","row-9"]}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"other":{"S":[{"anything-but":["x"]}]}}}}`, false}, // absent
		{`{"dynamodb":{"Keys":{"id":{"S":[{"exists":true}]}}}}`, true},
		{`{"dynamodb":{"Keys":{"id":{"N":[{"exists":true}]}}}}`, false},
		{`{"dynamodb":{"OldImage":{"id":{"S":[{"exists":false}]}}}}`, true},
		{`{"dynamodb":{"NewImage":[{"exists":true}]}}`, false}, // no leaf
		{`{"dynamodb":{"SizeBytes":[26]}}`, true},
		{`{"dynamodb":{"SizeBytes":[26.0]}}`, false}, // by its text
		{`{"dynamodb":{"SizeBytes":["26"]}}`, false},
		{`{"dynamodb":{"NewImage":{"gone":{"NULL":[true]}}}}`, true},
		{`{"dynamodb":{"NewImage":{"empty":{"S":[""]}}}}`, true},
		{`{"dynamodb":{"NewImage":{"tags":{"SS":["b"]}}}}`, true},
		{`{"dynamodb":{"NewImage":{"tags":{"SS":["c"]}}}}`, false},
		{`{"dynamodb":{"NewImage":{"list":{"L":{"S":["x"],"N":["1"]}}}}}`, true},
		{`{"dynamodb":{"NewImage":{"list":{"L":{"S":["z"]}}}}}`, false},
		{`{"$or":[{"eventName":["REMOVE"]},{"dynamodb":{"Keys":{"id":{"S":["row-7"]}}}}]}`, true},
		{`{"$or":[{"eventName":["REMOVE"]},{"eventName":["MODIFY"]}],"awsRegion":["us-east-1"]}`, false},
		{`{"eventName":[null]}`, false},
	} {
		f, err := ParseFilter(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got, err := f.Matches([]byte(sample)); got != c.want || err != nil {
			t.Errorf("%s: %v, %v", c.pattern, got, err)
		}
	}
}

func TestFiltersRefused(t *testing.T) {
	for pattern, says := range map[string]string{
		`{`:                                    "not JSON",
		`{} x`:                                 "not JSON",
		`["a"]`:                                "not an object",
		`{}`:                                   "not an object with fields",
		`{"a":"b"}`:                            `"a" is neither`,
		`{"a":[]}`:                             "empty list",
		`{"a":{}}`:                             "empty object",
		`{"a":[["b"]]}`:                        "list inside a list",
		`{"a":[{"numeric":["=",1]}]}`:          "numeric does not work",
		`{"a":[{"wildcard":"*"}]}`:             `"wildcard" is not implemented`,
		`{"a":[{"prefix":"a","exists":true}]}`: "2 operators",
		`{"a":[{"prefix":{"equals-ignore-case":"a"}}]}`: "prefix wants a string",
		`{"a":[{"anything-but":{"prefix":"a"}}]}`:       "anything-but wants",
		`{"a":[{"exists":"yes"}]}`:                      "exists wants",
		`{"$or":[{"a":["b"]}]}`:                         "$or is not a list of at least two",
		`{"a":["` + strings.Repeat("x", 4096) + `"]}`:   "more than 4096",
	} {
		if _, err := ParseFilter(pattern); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.60s: %v, want %q", pattern, err, says)
		}
	}
}
