package main

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func billOf(t *testing.T, tpl template) Bill {
	t.Helper()
	var raw map[string]any
	if err := json.Unmarshal(tpl.text, &raw); err != nil {
		t.Fatal(err)
	}
	bill, err := atRest(raw)
	if err != nil {
		t.Fatal(err)
	}
	return bill
}

// A stack that nobody uses costs less than a dollar a month, and says which free allowances that takes.
func TestCostAtRest(t *testing.T) {
	const secret, reads = 0.40, 43_200 * 0.125 / 1e6
	for _, of := range []func() (template, error){standard, full} {
		bill := billOf(t, loaded(t, of))
		if got := bill.Total(); got >= 1 || math.Abs(got-secret-reads) > 1e-9 {
			t.Errorf("$%v", got)
		}
		// Nine alarms, a dashboard, a secret, the queue's polls; the watchdog's calls, seconds and reads.
		if got := bill.Alone(); math.Abs(got-(9*0.10+3+secret+0.26+43_200*0.20/1e6+216*0.0000133334+reads)) > 1e-9 {
			t.Errorf("without what is free $%v", got)
		}
		text := bill.String()
		for _, part := range []string{"costs $0.41 a month", "alarm: 9, of which an account has 10 free", "dashboards: 1, of which an account has 3 free",
			"650000, of which an account has 1000000 free"} {
			if !strings.Contains(text, part) {
				t.Errorf("%q is not in\n%s", part, text)
			}
		}
	}
}

// What has no price in the bill cannot come into the template unseen.
func TestCostOfWhatIsUnknown(t *testing.T) {
	for text, want := range map[string]string{
		`{"Resources":{"Key":{"Type":"AWS::KMS::Key"}}}`: "Key is a AWS::KMS::Key",
		`{"Resources":[]}`: "cannot unmarshal",
	} {
		var raw map[string]any
		if err := json.Unmarshal([]byte(text), &raw); err != nil {
			t.Fatal(err)
		}
		if _, err := atRest(raw); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	// A sum of metrics is charged metric by metric.
	bill, err := atRest(map[string]any{"Resources": map[string]any{"A": map[string]any{"Type": "AWS::CloudWatch::Alarm",
		"Properties": map[string]any{"Metrics": []any{1, 2, 3}}}}})
	if err != nil || math.Abs(bill.Alone()-0.30) > 1e-9 || bill.Total() != 0 {
		t.Errorf("%v %v", bill, err)
	}
}
