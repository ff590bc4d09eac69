package main

import (
	"archive/zip"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"nexus/localstack/emulator"
	"nexus/localstack/transcript"
	"nexus/pkg/nexus"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "test-deploy:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("ministack", flag.ContinueOnError)
	root := flags.String("root", ".", "folder of the repository")
	together := flags.Int("together", 3, "transcripts played side by side")
	patience := flags.Duration("patience", 75*time.Second, "play transcripts that move the clock by at most this, in real time")
	only := flags.String("run", "", "a regular expression: play only transcripts whose file name it matches somewhere")
	keepLog := flags.String("log", "", "file to leave the emulator's log in")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp // the flags said what is wrong
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("it takes flags only, not %q; -h lists them", flags.Arg(0))
	}
	if *together < 1 {
		return fmt.Errorf("-together %d: at least 1", *together)
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	dir, err := os.MkdirTemp("", "nexus-deploy-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	t := &deployment{out: out, cdk: emulator.CDK{Root: filepath.Join(dir, "clone"), Dir: dir, Env: os.Environ()}, stories: stories{*root, wanted, *together, *patience, out}}
	began := time.Now()
	err = t.test(ctx)
	if t.server != nil {
		t.server.stop()
		if *keepLog != "" {
			err = errors.Join(err, t.server.keepLog(*keepLog))
		}
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; everything was ended")
	}
	if len(t.played.Results) > 0 {
		fmt.Fprintln(out, t.played)
	}
	if err == nil {
		fmt.Fprintf(out, "deployed, played, updated and destroyed in %v\n", time.Since(began).Round(time.Second))
	}
	return err
}

// deployment is the test of one.
type deployment struct {
	out     io.Writer
	cdk     emulator.CDK
	stories stories

	server *server
	played transcript.Report
}

// A part of the test. It returns what there is to say, if there is.
type part struct {
	name string
	do   func(context.Context) (string, error)
}

// inTurn does parts until one fails, and says what it does.
func (t *deployment) inTurn(ctx context.Context, parts ...part) error {
	for _, p := range parts {
		fmt.Fprintln(t.out, p.name)
		began := time.Now()
		said, err := p.do(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		fmt.Fprintln(t.out, strings.TrimRight(fmt.Sprintf("    %.1f s  %s", time.Since(began).Seconds(), said), " "))
	}
	return nil
}

func (t *deployment) test(ctx context.Context) error {
	var python string
	err := t.inTurn(ctx,
		part{"look at what this machine has", machine},
		part{"copy the repository, with nothing built", func(ctx context.Context) (string, error) { return "", emulator.Copy(ctx, t.stories.root, t.cdk.Root) }},
		part{"build the functions for this machine", func(ctx context.Context) (string, error) {
			names, err := emulator.BuildFunctions(ctx, runtime.GOOS, t.cdk.Dir)
			return strings.Join(names, " "), err
		}},
		part{"install MiniStack", func(ctx context.Context) (_ string, err error) {
			python, err = install(ctx, t.cdk.Dir)
			return "", err
		}},
		part{"start MiniStack", func(ctx context.Context) (_ string, err error) {
			if t.server, err = startServer(ctx, t.cdk.Env, python, t.cdk.Dir); err != nil {
				return "", err
			}
			t.cdk.URL = t.server.url
			return t.server.url, nil
		}},
	)
	if err != nil {
		return err
	}
	if err := t.life(ctx, miniStack{t.cdk.Emulator}); err != nil {
		return fmt.Errorf("%w\n\nthe end of MiniStack's log:\n%s", err, t.server.tail())
	}
	return nil
}

// life is a stack's, from before its first deployment to after its end.
func (t *deployment) life(ctx context.Context, m miniStack) error {
	var made emulator.Outputs
	var before, there inventory
	return t.inTurn(ctx,
		part{"make bootstrap", func(ctx context.Context) (_ string, err error) {
			if err = t.cdk.Bootstrap(ctx); err != nil {
				return "", err
			}
			before, err = m.inventory(ctx)
			return "", err
		}},
		part{"make deploy, with a function that fails", t.obstructed},
		part{"make deploy", func(ctx context.Context) (_ string, err error) {
			made, _, err = t.cdk.Deploy(ctx)
			return made.URL, err
		}},
		part{"look at what was deployed", func(ctx context.Context) (_ string, err error) {
			if there, err = m.inventory(ctx); err != nil {
				return "", err
			}
			return look(ctx, m, made.API())
		}},
		part{"play the transcripts", func(ctx context.Context) (_ string, err error) {
			user, pass, err := m.Secret(ctx, made.Secret)
			if err != nil {
				return "", err
			}
			t.played, err = t.stories.play(ctx, &transcript.WebSocket{URL: m.WebSocket(made.API()), User: user, Pass: pass, Clock: transcript.Sleep})
			return "", err
		}},
		part{"look at what streams, queue and logs say", func(ctx context.Context) (string, error) {
			if err := errorsLogged(ctx, m); err != nil || t.stories.wanted.String() != "" {
				return "no errors; not all transcripts were played, so that some source may have had nothing to read", err
			}
			return sourcesRead(ctx, m)
		}},
		part{"make deploy again", func(ctx context.Context) (string, error) {
			again, changed, err := t.cdk.Deploy(ctx)
			if err == nil && (changed || again != made) {
				err = fmt.Errorf("an update without a change changed something: the outputs were %v, and are %v", made, again)
			}
			return "no changes", err
		}},
		part{"make destroy", func(ctx context.Context) (string, error) {
			if err := t.cdk.Destroy(ctx); err != nil {
				return "", err
			}
			left, err := m.inventory(ctx)
			return "nothing is left", errors.Join(err, left.compare(before, there))
		}},
	)
}

// obstructed has a first deployment fail half-way, at its last step: a program of setup that ends at once, so that root cannot be made. The next part repeats
// it with the right one.
func (t *deployment) obstructed(ctx context.Context) (string, error) {
	broken := t.cdk
	broken.Dir = filepath.Join(t.cdk.Dir, "broken")
	if err := os.Mkdir(broken.Dir, 0o700); err != nil {
		return "", err
	}
	for _, name := range append(nexus.Functions(), nexus.FunctionSetup) {
		if name == nexus.FunctionSetup {
			continue
		}
		if err := os.Symlink(filepath.Join(t.cdk.Dir, name+".zip"), filepath.Join(broken.Dir, name+".zip")); err != nil {
			return "", err
		}
	}
	setup, err := os.Create(filepath.Join(broken.Dir, nexus.FunctionSetup+".zip"))
	if err != nil {
		return "", err
	}
	archive := zip.NewWriter(setup)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	program, err := archive.CreateHeader(header)
	if err == nil {
		_, err = io.WriteString(program, "#!/bin/sh\nexit 1\n")
	}
	if err := errors.Join(err, archive.Close(), setup.Close()); err != nil {
		return "", err
	}
	if _, _, err := broken.Deploy(ctx); err == nil {
		return "", errors.New("it was made all the same")
	}
	return "it failed, and is repeated", nil
}
