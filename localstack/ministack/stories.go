package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"nexus/localstack/transcript"
)

// stories plays all transcripts of the bus, and this package's, against what was deployed.
type stories struct {
	root     string // of the repository
	wanted   *regexp.Regexp
	together int
	patience time.Duration
	out      io.Writer
}

// play plays three suites: those that leave the clock alone, some at a time, beside those that wait for it, all at once since they mostly wait; then,
// one by one, those that want the bus for themselves.
func (s stories) play(ctx context.Context, target transcript.Target) (transcript.Report, error) {
	began := time.Now()
	var scripts []*transcript.Script
	for _, folder := range []string{"pkg/nexus/testdata", "localstack/ministack/testdata"} {
		some, err := transcript.ReadAll(filepath.Join(s.root, folder))
		if err != nil {
			return transcript.Report{}, err
		}
		scripts = append(scripts, some...)
	}
	var quick, slow, alone []*transcript.Script
	for _, script := range scripts {
		switch {
		case !s.wanted.MatchString(script.Name):
		case script.Alone:
			alone = append(alone, script)
		case script.Elapses() > 0:
			slow = append(slow, script)
		default:
			quick = append(quick, script)
		}
	}
	var telling sync.Mutex
	suite := func(scripts []*transcript.Script, together int) transcript.Suite {
		return transcript.Suite{Scripts: scripts, Together: together, Patience: s.patience, Each: func(r transcript.Result) {
			telling.Lock()
			defer telling.Unlock()
			if r.LeftOut == "" && ctx.Err() == nil { // else all that remain fail
				fmt.Fprintln(s.out, "    "+r.String())
			}
		}}
	}
	var reports [3]transcript.Report
	var playing sync.WaitGroup
	playing.Go(func() { reports[0] = suite(quick, s.together).Play(ctx, target) })
	playing.Go(func() { reports[1] = suite(slow, max(1, len(slow))).Play(ctx, target) })
	playing.Wait()
	reports[2] = suite(alone, 1).Play(ctx, target)
	var all transcript.Report
	for _, r := range reports {
		all.Results = append(all.Results, r.Results...)
	}
	slices.SortFunc(all.Results, func(a, b transcript.Result) int { return strings.Compare(a.Name, b.Name) })
	all.Took = time.Since(began)
	if n := len(all.Failed()); n > 0 {
		return all, fmt.Errorf("%d transcripts failed", n)
	}
	return all, nil
}
