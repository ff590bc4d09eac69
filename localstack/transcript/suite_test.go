package transcript

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stories writes transcripts into a folder and reads them all.
func stories(t *testing.T, texts map[string]string) []*Script {
	t.Helper()
	folder := t.TempDir()
	for name, text := range texts {
		if err := os.WriteFile(filepath.Join(folder, name+".txt"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all, err := ReadAll(folder)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// yes answers each request alike.
func yes(text string) []string {
	_, id, _ := strings.Cut(text, `"id":`)
	id, _, _ = strings.Cut(id, ",")
	return []string{`{"jsonrpc":"2.0","id":` + id + `,"result":"yes"}`}
}

const (
	good   = "a --> {\"id\":1,\"x\":1}\na <-- {\"id\":1,\"result\":\"yes\"}\n"
	bad    = "a --> {\"id\":1,\"x\":1}\na <-- {\"id\":1,\"result\":\"no\"}\n"
	silent = "a --> {\"id\":1,\"x\":1}\na <-- {\"id\":2,\"result\":\"yes\"}\n"
)

func TestSuite(t *testing.T) {
	texts := map[string]string{"a-alone": "alone\n" + good, "b-moves": good + "@ 2s\n", "c-long": good + "@ 1m\n", "d-bad": bad, "e-good": good}
	for name, c := range map[string]struct {
		suite Suite
		still bool
		ended []string // the stories in the order in which they ended, those left out with a dash
		moved time.Duration
	}{
		"nobody else": {ended: []string{"-b-moves", "-c-long", "d-bad", "e-good", "a-alone"}},
		"shared":      {suite: Suite{Shared: true}, ended: []string{"-b-moves", "-c-long", "d-bad", "e-good", "-a-alone"}},
		"patience":    {suite: Suite{Patience: 2 * time.Second}, moved: 2 * time.Second, ended: []string{"b-moves", "-c-long", "d-bad", "e-good", "a-alone"}},
		"no clock":    {suite: Suite{Patience: time.Hour}, still: true, ended: []string{"-b-moves", "-c-long", "d-bad", "e-good", "a-alone"}},
		"nothing":     {suite: Suite{Scripts: []*Script{}}},
	} {
		t.Run(name, func(t *testing.T) {
			bus := &fakeBus{answers: yes, still: c.still}
			if c.suite.Scripts == nil {
				c.suite.Scripts = stories(t, texts)
			}
			var ended []string
			c.suite.Each = func(r Result) {
				mark := ""
				if r.LeftOut != "" {
					mark = "-"
				}
				ended = append(ended, mark+strings.TrimSuffix(r.Name, ".txt"))
			}
			report := c.suite.Play(t.Context(), bus)
			if !slices.Equal(ended, c.ended) || bus.moved != c.moved {
				t.Errorf("ended %q, moved %v", ended, bus.moved)
			}
			for i, r := range report.Results {
				if r.Name != c.suite.Scripts[i].Name || (r.Err != nil) != (r.Name == "d-bad.txt") {
					t.Errorf("%d: %+v", i, r)
				}
			}
			text := report.String()
			for _, r := range report.LeftOut() {
				if !strings.Contains(text, "left out: "+r.Name+", which ") || !strings.HasPrefix(r.String(), "left out") {
					t.Errorf("%s\n%s", text, r)
				}
			}
			if len(report.Results) > 0 && (len(report.Failed()) != 1 || !strings.Contains(text, "failed: d-bad.txt") ||
				!strings.Contains(report.Failed()[0].String(), `"yes"`)) {
				t.Error(text)
			}
		})
	}
}

// meeting is a bus whose connections come only once so many stories play, and that counts those.
type meeting struct {
	*fakeBus
	wanted int

	mu     sync.Mutex
	there  int
	most   int
	open   sync.Once
	enough chan struct{}
}

func (m *meeting) Dial(ctx context.Context, stage string) (Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.there++
	m.most = max(m.most, m.there)
	if m.most == m.wanted {
		m.open.Do(func() { close(m.enough) })
	}
	conn, err := m.fakeBus.Dial(ctx, stage)
	return &guest{conn, m}, err
}

type guest struct {
	Conn
	m *meeting
}

func (g *guest) Send(text []byte) error {
	<-g.m.enough
	g.m.mu.Lock()
	defer g.m.mu.Unlock()
	return g.Conn.Send(text)
}

func (g *guest) Close() error {
	g.m.mu.Lock()
	defer g.m.mu.Unlock()
	g.m.there--
	return g.Conn.Close()
}

func TestSuiteTogether(t *testing.T) {
	texts := map[string]string{"0": "alone\n" + good}
	for _, name := range strings.Split("abcdefgh", "") {
		texts[name] = good
	}
	bus := &meeting{fakeBus: &fakeBus{answers: yes}, wanted: 3, enough: make(chan struct{})}
	told := 0
	report := Suite{Scripts: stories(t, texts), Together: 3, Each: func(r Result) {
		told++
		if alone := told == len(texts); alone != (r.Name == "0.txt") {
			t.Errorf("%s ended as number %d", r.Name, told)
		}
	}}.Play(t.Context(), bus)
	if len(report.Failed()) > 0 || bus.most != 3 {
		t.Errorf("%v, %d at a time", report, bus.most)
	}
}

func TestSuiteLimits(t *testing.T) {
	scripts := stories(t, map[string]string{"silent": silent, "later": good})
	synctest.Test(t, func(t *testing.T) {
		mute := func(string) []string { return nil }
		began := time.Now()
		report := Suite{Scripts: scripts, Limit: 3 * time.Second}.Play(t.Context(), &fakeBus{answers: mute})
		for _, r := range report.Results {
			if !errors.Is(r.Err, context.DeadlineExceeded) || !strings.Contains(r.Err.Error(), "(the story had 3s)") || r.Took != 3*time.Second {
				t.Errorf("%+v", r)
			}
		}
		if took := time.Since(began); took != 6*time.Second || report.Took != took {
			t.Errorf("took %v, reported %v", took, report.Took)
		}
		ctx, stop := context.WithCancel(t.Context())
		stop()
		report = Suite{Scripts: scripts}.Play(ctx, &fakeBus{answers: mute})
		for _, r := range report.Results {
			if !errors.Is(r.Err, context.Canceled) || strings.Contains(r.Err.Error(), "the story had") {
				t.Errorf("after the end: %+v", r)
			}
		}
	})
}

func TestReadAllMistakes(t *testing.T) {
	if _, err := ReadAll(t.TempDir()); err == nil {
		t.Error("an empty folder was accepted")
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.txt"), []byte("a mumbles"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadAll(folder); err == nil || !strings.Contains(err.Error(), "a.txt") {
		t.Errorf("a transcript that plays nothing: %v", err)
	}
	for _, text := range []string{good + "alone\n", "alone now\n" + good} {
		if _, err := Parse("x", []byte(text)); err == nil || !strings.Contains(err.Error(), "alone") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
