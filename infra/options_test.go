package main

import (
	"maps"
	"reflect"
	"strings"
	"testing"

	"nexus/pkg/handler"
)

func TestOptions(t *testing.T) {
	got, err := ParseOptions(map[string]string{"@aws-cdk/core:flag": "true", "aws:cdk:bundling-stacks": "x"})
	if want := (Options{Name: "nexus", Build: "build", Rate: 200, Burst: 400, Keep: true, LogLevel: "INFO", Reserved: map[string]int{},
		AccountLogRole: true}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("without any: %+v, %v", got, err)
	}
	got, err = ParseOptions(every())
	if want := (Options{Name: "bus", Build: "build", Rate: 50, Burst: 20, Domain: "bus.example.com", Certificate: every()["certificate"],
		AlarmEmail: "someone@example.com", LogLevel: "DEBUG", Reserved: map[string]int{"task": 100, "timer": 10}, Settings: map[string]string{
			handler.EnvShards: "a.b.=4", handler.EnvFanoutRate: "50", handler.EnvLoginTasks: "70", handler.EnvLoginWithin: "60", handler.EnvAccess: "closed",
			handler.EnvPipes: "20", handler.EnvUnread: "1000000", handler.EnvReads: "4"}}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("with every one: %+v, %v", got, err)
	}
	if len(every())+1 != len(options) { // build is the tests' own
		t.Errorf("the tests know %d options, there are %d", len(every())+1, len(options))
	}
}

// A wrong value is refused before anything is made of it, by the option's name and with what it takes.
func TestWrongOptionsAreNamed(t *testing.T) {
	for name, values := range map[string][]string{
		"name":                {"", "-bus", "1bus", "a bus", strings.Repeat("n", 32), "bus_"},
		"build":               {""},
		"rate":                {"", "0", "10001", "1.5", "many", "-1"},
		"burst":               {"0", "5001", "x"},
		"domain":              {"bus", "https://bus.example.com", "Bus.example.com", "-.example.com"},
		"certificate":         {"x", "arn:aws:acm:eu-west-1:1234:certificate/1", "arn:aws:iam::123456789012:role/x"},
		"alarmEmail":          {"someone", "Some One <someone@example.com>", "a@b, c@d"},
		"removal":             {"", "delete", "Retain"},
		"logLevel":            {"", "TRACE", "debug"},
		"reservedConcurrency": {"task", "task=", "task=0", "task=-1", "task=x", "mail=1", "task=1,task=2", "task=1,", "setup=1"},
		"taskShards":          {"a.b=4", "a.b.=0", "a.b.=101"},
		"fanoutRate":          {"0", "10001", "x"},
		"access":              {"shut", "Closed", ""},
		"loginTasks":          {"0", "100001", "x"},
		"loginWithin":         {"-1", "901", "x"},
		"pipesPerSession":     {"0", "10001", "x"},
		"pipeUnreadBytes":     {"131071", "64MB"},
		"pipeReads":           {"0", "33"},
		"accountLogRole":      {"", "yes"},
	} {
		for _, value := range values {
			context := every()
			context[name] = value
			_, err := ParseOptions(context)
			if err == nil || !strings.HasPrefix(err.Error(), "option "+name+"=") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
	for name, change := range map[string]map[string]string{
		"there is no option alarmEmial": {"alarmEmial": "someone@example.com"},
		"domain and certificate":        {"certificate": ""},
		"option rate":                   {"rate": "x", "burst": "y"},
	} {
		context := every()
		maps.Copy(context, change)
		if _, err := ParseOptions(context); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", change, err)
		}
	}
	if _, err := ParseOptions(map[string]string{"rate": "x", "burst": "y", "nme": "z"}); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three mistakes: %v", err)
	}
}

func TestAFunctionThatIsNotBuilt(t *testing.T) {
	_, err := synthesize(map[string]string{"build": t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "make build") {
		t.Error(err)
	}
}
