// Command play plays the transcripts against a bus that is there already, over its WebSocket URL, and exits with 1 if one fails:
//
//	NEXUS_ROOT_PASSWORD=… go run ./localstack/play wss://<api>.execute-api.<region>.amazonaws.com
//
// Everything that a story makes has names of its own, and it deletes the users that it made; one that fails may leave some behind, with t and
// twelve letters or digits in their names. Stories that would take what other clients left on the bus are left out, unless -alone says
// that there are none. Those that move the clock by more than -patience are left out too: a bus elsewhere has only the world's time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"nexus/localstack/transcript"
)

// passwordVariable holds the administrator's password. It is no flag: arguments can be seen by every user of a machine.
const passwordVariable = "NEXUS_ROOT_PASSWORD"

// errFailed says that stories failed, which were printed.
var errFailed = errors.New("transcripts failed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "play:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, env func(string) string, out, help io.Writer) error {
	flags := flag.NewFlagSet("play", flag.ContinueOnError)
	flags.SetOutput(help)
	flags.Usage = func() {
		fmt.Fprintf(help, "usage: %s=… play [flags] wss://host\n", passwordVariable)
		flags.PrintDefaults()
	}
	folder := flags.String("folder", "pkg/nexus/testdata", "folder of the transcripts")
	only := flags.String("run", "", "a regular expression: only stories whose file name it matches somewhere")
	user := flags.String("user", "root", "the administrator's name; the password is in the environment's "+passwordVariable)
	together := flags.Int("together", 4, "stories played side by side")
	patience := flags.Duration("patience", 0, "play stories that move the clock by at most this, in real time")
	alone := flags.Bool("alone", false, "nobody else uses this bus: play the stories too that would take what others left on it")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp // the flags said what is wrong
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return flag.ErrHelp
	}
	target := &transcript.WebSocket{URL: flags.Arg(0), User: *user, Pass: env(passwordVariable), Clock: transcript.Sleep}
	if err := check(target); err != nil {
		return err
	}
	if *together < 1 {
		return fmt.Errorf("-together %d: at least 1", *together)
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	all, err := transcript.ReadAll(*folder)
	if err != nil {
		return err
	}
	suite := transcript.Suite{Together: *together, Patience: *patience, Shared: !*alone, Each: func(r transcript.Result) { fmt.Fprintln(out, r) }}
	for _, s := range all {
		if wanted.MatchString(s.Name) {
			suite.Scripts = append(suite.Scripts, s)
		}
	}
	if len(suite.Scripts) == 0 {
		return fmt.Errorf("-run %s: no story's name matches", *only)
	}
	if err := reach(ctx, target, suite.Scripts[0].Stages[0]); err != nil {
		return err
	}
	report := suite.Play(ctx, target)
	fmt.Fprintln(out, report)
	if len(report.Failed()) > 0 {
		return errFailed
	}
	return ctx.Err()
}

// check refuses what no story could be played with.
func check(t *transcript.WebSocket) error {
	u, err := url.Parse(t.URL)
	switch {
	case err != nil || u.Scheme != "ws" && u.Scheme != "wss" || u.Host == "":
		return fmt.Errorf("%q is no URL that begins with ws:// or wss://", t.URL)
	case u.Path == "/v0" || u.Path == "/v1":
		return fmt.Errorf("%s names a stage; the stories name theirs", t.URL)
	case u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path[len(u.Path)-1] == '/':
		return fmt.Errorf("%s: the URL ends where the stage would begin, without a slash", t.URL)
	case t.Pass == "":
		return fmt.Errorf("the password of %s is expected in the environment's %s", t.User, passwordVariable)
	}
	return nil
}

// reach says at once, and once, that there is no bus or that the password is another, instead of letting each story fail.
func reach(ctx context.Context, t transcript.Target, stage string) error {
	login, err := transcript.Parse("before all transcripts", []byte("on "+stage+"\nroot login\n"))
	if err != nil {
		return err
	}
	return login.Play(ctx, t)
}
