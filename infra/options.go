package main

import (
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nexus/pkg/handler"
	"nexus/pkg/nexus"
)

// Options are what a deployment is told by CDK context: `make deploy ARGS="-c name=bus -c rate=500"`, or "context" in cdk.json.
type Options struct {
	Name           string            // of the stack, and before the name of everything in it
	Build          string            // folder of the functions' zips; relative to the folder of cdk.json
	Rate           float64           // messages a second that API Gateway lets through to each route of a stage
	Burst          float64           // messages at once, likewise
	Domain         string            // a host name of one's own; empty: API Gateway's
	Certificate    string            // the ARN of its certificate in ACM, in the stack's region
	AlarmEmail     string            // who is told of alarms; empty: nobody
	Keep           bool              // whether tables and the root's secret outlive the stack
	LogLevel       string            // of the functions
	Reserved       map[string]int    // reserved concurrency by function
	Settings       map[string]string // of the functions, by variable of their environment; what is not here they have a standard for
	AccountLogRole bool              // whether the stack gives API Gateway the account's role for logs
}

// An option is a key of the context.
type option struct {
	name, standard string // the value where the context has none
	help           string
	set            func(o *Options, value string) error
}

var options = []option{
	{"name", "nexus", "the stack's name: a letter, then up to 30 letters, digits and hyphens. Another name is another bus", setName},
	{"build", "build", "folder of the functions' zips, as `make build` leaves them", setBuild},
	{"rate", fmt.Sprint(nexus.DefaultThrottle().Rate), "messages a second for each route of a stage, 1 to 10000: what goes beyond is refused by API Gateway, and costs " +
		"nothing. Connections, logins, new pipes and unknown methods have lower ones of their own (pkg/nexus/throttles.go)", setRate},
	{"burst", fmt.Sprint(nexus.DefaultThrottle().Burst), "messages at once for each route of a stage, 1 to 5000", setBurst},
	{"domain", "", "a host name of one's own, with certificate; make a CNAME of it to the output DomainTarget", setDomain},
	{"certificate", "", "ARN of the domain's certificate in ACM, in the region of the stack", setCertificate},
	{"alarmEmail", "", "an address that is told of alarms, once it has confirmed that it wants to", setAlarmEmail},
	{"removal", "retain", "retain: tables and the root's secret outlive the stack, and tables are protected from deletion; destroy: they go with it", setRemoval},
	{"logLevel", "INFO", "DEBUG, INFO, WARN or ERROR", setLogLevel},
	{"reservedConcurrency", "", "functions that get a part of the account's concurrency for themselves, and no more than that: task=100,timer=10", setReserved},
	{"taskShards", "", "paths whose tasks are spread over several partitions: a.b.=4,c.=2", setting(handler.EnvShards)},
	{"fanoutRate", "", "posts a second to subscribed readers, by one environment of the function stream: 1 to 10000", setting(handler.EnvFanoutRate)},
	{"access", "open", "open: who connects may log in later; closed: who connects without good credentials is answered 401", setAccess},
	{"loginTasks", "", "logins that may wait for the workers of one login method: 1 to 100000; 1000 if none are given", setting(handler.EnvLoginTasks)},
	{"loginWithin", "", "seconds in which who connects must log in or is closed: 0 (never) to 900; 30 if none are given", setting(handler.EnvLoginWithin)},
	{"pipesPerSession", "", "pipes that a session may have: 1 to 10000; 1000 if none are given", setting(handler.EnvPipes)},
	{"pipeUnreadBytes", "", "bytes of messages that may be unread in a pipe: 131072 to 12288000000; 67108864 if none are given", setting(handler.EnvUnread)},
	{"pipeReads", "", "reads of a pipe that may wait: 1 to 32; 32 if none are given", setting(handler.EnvReads)},
	{"accountLogRole", "create", "the role by which API Gateway writes logs is a setting of an account's region, and access logs need it. create: the stack " +
		"sets it, and leaves it when it goes; keep: the region has one", setAccountLogRole},
}

// ParseOptions reads options from a context. It refuses what is wrong and what it does not know; keys of the CDK itself, which hold a / or a :, are not its
// own. The error names all that is wrong.
func ParseOptions(context map[string]string) (Options, error) {
	var o Options
	var failed []error
	for _, each := range options {
		value, given := context[each.name]
		if !given {
			value = each.standard
		}
		if err := each.set(&o, value); err != nil {
			failed = append(failed, fmt.Errorf("option %s=%q: %w (%s)", each.name, value, err, each.help))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(context)) {
		known := slices.ContainsFunc(options, func(each option) bool { return each.name == name })
		if !known && !strings.ContainsAny(name, "/:") {
			failed = append(failed, fmt.Errorf("there is no option %s; there are %s", name, strings.Join(names(), ", ")))
		}
	}
	if (o.Domain == "") != (o.Certificate == "") && len(failed) == 0 {
		failed = append(failed, errors.New("options domain and certificate: one without the other"))
	}
	return o, errors.Join(failed...)
}

func names() []string {
	var all []string
	for _, each := range options {
		all = append(all, each.name)
	}
	return all
}

var (
	stackName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,30}$`)
	hostName    = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)
	certificate = regexp.MustCompile(`^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[0-9A-Za-z-]+$`)
)

func setName(o *Options, value string) error {
	o.Name = value
	return matches(stackName, value)
}

func setBuild(o *Options, value string) error {
	if o.Build = value; value == "" {
		return errors.New("empty")
	}
	return nil
}

func setRate(o *Options, value string) (err error) {
	o.Rate, err = between(value, 1, 10_000)
	return err
}

func setBurst(o *Options, value string) (err error) {
	o.Burst, err = between(value, 1, 5_000)
	return err
}

func setDomain(o *Options, value string) error {
	if o.Domain = value; value == "" {
		return nil
	}
	return matches(hostName, value)
}

func setCertificate(o *Options, value string) error {
	if o.Certificate = value; value == "" {
		return nil
	}
	return matches(certificate, value)
}

func setAlarmEmail(o *Options, value string) error {
	if o.AlarmEmail = value; value == "" {
		return nil
	}
	if address, err := mail.ParseAddress(value); err != nil || address.Address != value {
		return errors.New("not an address")
	}
	return nil
}

func setRemoval(o *Options, value string) (err error) {
	o.Keep, err = either(value, "retain", "destroy")
	return err
}

func setAccountLogRole(o *Options, value string) (err error) {
	o.AccountLogRole, err = either(value, "create", "keep")
	return err
}

func setLogLevel(o *Options, value string) error {
	o.LogLevel = value
	if !slices.Contains([]string{"DEBUG", "INFO", "WARN", "ERROR"}, value) {
		return errors.New("not a level")
	}
	return nil
}

func setReserved(o *Options, value string) error {
	o.Reserved = map[string]int{}
	if value == "" {
		return nil
	}
	for entry := range strings.SplitSeq(value, ",") {
		name, number, _ := strings.Cut(entry, "=")
		n, err := strconv.Atoi(number)
		if !slices.Contains(nexus.Functions(), name) || err != nil || n < 1 {
			return fmt.Errorf("%q is not one of %s, =, and a number above 0", entry, strings.Join(nexus.Functions(), ", "))
		}
		if _, twice := o.Reserved[name]; twice {
			return fmt.Errorf("%s twice", name)
		}
		o.Reserved[name] = n
	}
	return nil
}

// setting returns what sets an option that is a variable of the functions' environment. Their own reader judges.
func setting(variable string) func(*Options, string) error {
	return func(o *Options, value string) error {
		if value == "" {
			return nil
		}
		if o.Settings == nil {
			o.Settings = map[string]string{}
		}
		o.Settings[variable] = value
		return settingsTake(variable, value)
	}
}

func setAccess(o *Options, value string) error {
	switch value {
	case "":
		return errors.New("empty")
	case "open":
		return nil // as functions have it that are told nothing
	}
	return setting(handler.EnvAccess)(o, value)
}

// settingsTake tells whether functions would start with a value in their environment.
func settingsTake(variable, value string) error {
	env := map[string]string{variable: value}
	for _, name := range []string{handler.EnvQueueURL, handler.EnvDeadLetters, handler.EnvCallbackV0, handler.EnvCallbackV1} {
		env[name] = "https://some.invalid"
	}
	_, err := handler.Settings(func(name string) string { return env[name] })
	return err
}

func matches(pattern *regexp.Regexp, value string) error {
	if !pattern.MatchString(value) {
		return fmt.Errorf("does not match %s", pattern)
	}
	return nil
}

func between(value string, least, most float64) (float64, error) {
	n, err := strconv.Atoi(value)
	if err != nil || float64(n) < least || float64(n) > most {
		return 0, fmt.Errorf("not a whole number from %v to %v", least, most)
	}
	return float64(n), nil
}

func either(value, yes, no string) (bool, error) {
	if value != yes && value != no {
		return false, fmt.Errorf("neither %s nor %s", yes, no)
	}
	return value == yes, nil
}
