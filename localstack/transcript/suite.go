package transcript

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// ReadAll reads the transcripts of a folder, its files *.txt, in the order of their names.
func ReadAll(folder string) ([]*Script, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("transcript: %s has no *.txt", folder)
	}
	var all []*Script
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		s, err := Parse(filepath.Base(file), src)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Limit is how long a story may take in a Suite that names no limit, beyond the time that it lets pass.
const Limit = 3 * time.Minute

// Suite is stories for a bus that is there already: one of this machine, an emulator's, a deployed one.
type Suite struct {
	Scripts  []*Script
	Together int           // stories played side by side; 1 where 0
	Patience time.Duration // a story that moves the clock by more than this is left out; so by 0 each that moves it
	Shared   bool          // the bus serves others too: stories marked alone are left out
	Limit    time.Duration // for one story on all its stages, beyond what it moves the clock by; the constant Limit where 0
	Each     func(Result)  // told of each story as it ends, of one at a time; may be nil
}

// Result is what became of one story.
type Result struct {
	Name    string
	LeftOut string // why it was not played; empty if it was
	Err     error  // why it failed
	Took    time.Duration
}

// String says it in one line, and then the error, if there is one.
func (r Result) String() string {
	switch {
	case r.LeftOut != "":
		return fmt.Sprintf("left out  %s: it %s", r.Name, r.LeftOut)
	case r.Err != nil:
		return fmt.Sprintf("FAILED    %s (%v)\n%v", r.Name, r.Took.Round(time.Millisecond), r.Err)
	}
	return fmt.Sprintf("played    %s (%v)", r.Name, r.Took.Round(time.Millisecond))
}

// Report is what became of all, in the suite's order.
type Report struct {
	Results []Result
	Took    time.Duration
}

// Failed returns the stories that failed.
func (r Report) Failed() []Result { return r.those(func(x Result) bool { return x.Err != nil }) }

// LeftOut returns the stories that were not played.
func (r Report) LeftOut() []Result { return r.those(func(x Result) bool { return x.LeftOut != "" }) }

func (r Report) those(are func(Result) bool) []Result {
	var some []Result
	for _, x := range r.Results {
		if are(x) {
			some = append(some, x)
		}
	}
	return some
}

// String counts, and names what was left out and what failed.
func (r Report) String() string {
	failed, left := r.Failed(), r.LeftOut()
	var b strings.Builder
	fmt.Fprintf(&b, "%d transcripts in %v: %d passed, %d failed, %d left out", len(r.Results), r.Took.Round(time.Second/10),
		len(r.Results)-len(failed)-len(left), len(failed), len(left))
	for _, x := range left {
		fmt.Fprintf(&b, "\n  left out: %s, which %s", x.Name, x.LeftOut)
	}
	for _, x := range failed {
		fmt.Fprintf(&b, "\n  failed: %s", x.Name)
	}
	return b.String()
}

// Play plays the suite against t: first what can be played side by side, then, one by one, the stories marked alone. A story that fails stops
// none of the others; once ctx ends, those that remain fail with its error.
func (s Suite) Play(ctx context.Context, t Target) Report {
	began := time.Now()
	p := &suitePlay{Suite: s, target: t, results: make([]Result, len(s.Scripts))}
	if p.Limit == 0 {
		p.Limit = Limit
	}
	together, alone := make(chan int), []int{}
	var playing sync.WaitGroup
	for range max(1, s.Together) {
		playing.Go(func() {
			for i := range together {
				p.play(ctx, i)
			}
		})
	}
	for i, script := range s.Scripts {
		if script.Alone {
			alone = append(alone, i)
			continue
		}
		together <- i
	}
	close(together)
	playing.Wait()
	for _, i := range alone {
		p.play(ctx, i)
	}
	return Report{p.results, time.Since(began)}
}

type suitePlay struct {
	Suite
	target  Target
	results []Result

	telling sync.Mutex
}

func (p *suitePlay) play(ctx context.Context, i int) {
	script := p.Scripts[i]
	r := Result{Name: script.Name, LeftOut: p.leftOut(ctx, script)}
	if r.LeftOut == "" {
		began := time.Now()
		r.Err = p.limited(ctx, script)
		r.Took = time.Since(began)
	}
	p.results[i] = r
	if p.Each != nil {
		p.telling.Lock()
		defer p.telling.Unlock()
		p.Each(r)
	}
}

// leftOut returns why a script is not played, in words that follow "it" or "which".
func (p *suitePlay) leftOut(ctx context.Context, script *Script) string {
	elapses := script.Elapses()
	switch {
	case p.Shared && script.Alone:
		return "takes what others may have left on the bus"
	case elapses > p.Patience:
		return fmt.Sprintf("moves the clock by %v", elapses)
	case elapses > 0 && errors.Is(p.target.Advance(ctx, 0), ErrCannotAdvance):
		return fmt.Sprintf("moves the clock by %v, and this one cannot be moved", elapses)
	}
	return ""
}

func (p *suitePlay) limited(ctx context.Context, script *Script) error {
	limit := p.Limit + script.Elapses()*time.Duration(len(script.Stages))
	own, stop := context.WithTimeout(ctx, limit)
	defer stop()
	err := script.Play(own, p.target)
	if err != nil && own.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%w (the story had %v)", err, limit)
	}
	return err
}
