package main

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
)

// outcome is an attack that was tried.
type outcome struct {
	attack
	got got
	err error // why it could not be tried
}

// held reports whether it was tried and got no more than it may.
func (o outcome) held() bool { return o.err == nil && (o.bound == none || o.got.value <= o.bound) }

// printTable prints what each attack got, and tells whether all were held.
func printTable(w io.Writer, outcomes []outcome) (held bool, err error) {
	held = true
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\twhat an attack gets\tat %s\tnow\tat most\t\t\n", commit)
	for _, o := range outcomes {
		now, most, verdict := number(o.got.value, o.unit), number(o.bound, o.unit), "held"
		if o.bound == none {
			most, verdict = "no bound", "shown"
		}
		switch {
		case o.err != nil:
			now, verdict = "?", "NOT TRIED: "+o.err.Error()
		case !o.held():
			verdict = "NOT HELD"
		}
		held = held && o.held()
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", o.number, o.name, number(o.before, o.unit), now, most, verdict, o.got.note)
	}
	return held, t.Flush()
}

// number writes a number with its unit.
func number(f float64, unit string) string {
	digits := 0
	if f != float64(int(f)) && f < 100 {
		digits = 1
		if f < 1 {
			digits = 3
		}
	}
	s := strconv.FormatFloat(f, 'f', digits, 64)
	if unit == "" || unit == "×" {
		return s + unit
	}
	return s + " " + unit
}
