package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
)

// maxLine is the most bytes of a line that are one record; CloudWatch's log events have this bound.
const maxLine = 256 << 10

// printed hands the lines that a function prints to a log.
type printed struct {
	log   *slog.Logger
	level slog.Level // of a line that is no record
	rest  []byte     // of a line that has not ended
}

// log returns what f's standard output and error go to. Nothing is printed to the latter by a function that is well.
func (f *program) log() (stdout, stderr *printed) {
	log := f.config.Log.With("function", f.name)
	return &printed{log: log, level: slog.LevelInfo}, &printed{log: log, level: slog.LevelWarn}
}

// Write implements io.Writer. It is used by one goroutine.
func (p *printed) Write(b []byte) (int, error) {
	n := len(b)
	for {
		line, rest, ended := bytes.Cut(b, []byte("\n"))
		p.rest = append(p.rest, line...)
		if !ended {
			if len(p.rest) >= maxLine {
				p.flush()
			}
			return n, nil
		}
		p.flush()
		b = rest
	}
}

// flush logs what there is of a line.
func (p *printed) flush() {
	if len(p.rest) > 0 {
		p.record(p.rest)
	}
	p.rest = p.rest[:0]
}

// record logs a line: of slog's JSON handler, and others alike, with its own level, message and attributes.
func (p *printed) record(line []byte) {
	var fields map[string]any
	var level slog.Level
	message, isRecord := string(line), false
	if json.Unmarshal(line, &fields) == nil {
		name, _ := fields[slog.LevelKey].(string)
		text, ok := fields[slog.MessageKey].(string)
		if isRecord = ok && level.UnmarshalText([]byte(name)) == nil; isRecord {
			message = text
		}
	}
	if !isRecord {
		p.log.Log(context.Background(), p.level, message)
		return
	}
	var attributes []slog.Attr
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		switch name {
		case slog.LevelKey, slog.MessageKey, slog.TimeKey, "function": // the last one is here already
		default:
			attributes = append(attributes, slog.Any(name, fields[name]))
		}
	}
	p.log.LogAttrs(context.Background(), level, message, attributes...)
}
