package dynamo

import (
	"encoding/base64"
	"strconv"
	"unicode/utf8"
)

// writer appends JSON. It puts the commas; the caller opens, names and closes.
type writer struct {
	buf   []byte
	comma bool // the next element or key needs one before it
}

func (w *writer) separate() {
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
}

func (w *writer) open(c byte) {
	w.separate()
	w.buf = append(w.buf, c)
	w.comma = false
}

func (w *writer) close(c byte) {
	w.buf = append(w.buf, c)
	w.comma = true
}

func (w *writer) openObject()  { w.open('{') }
func (w *writer) closeObject() { w.close('}') }
func (w *writer) openArray()   { w.open('[') }
func (w *writer) closeArray()  { w.close(']') }

func (w *writer) key(name string) {
	w.separate()
	w.quote(name)
	w.buf = append(w.buf, ':')
	w.comma = false
}

func (w *writer) text(s string) {
	w.separate()
	w.quote(s)
}

func (w *writer) int(n int) {
	w.separate()
	w.buf = strconv.AppendInt(w.buf, int64(n), 10)
}

func (w *writer) float(f float64) {
	w.separate()
	w.buf = strconv.AppendFloat(w.buf, f, 'f', -1, 64)
}

func (w *writer) bool(b bool) {
	w.separate()
	w.buf = strconv.AppendBool(w.buf, b)
}

const hexDigits = "0123456789abcdef"

func (w *writer) quote(s string) {
	w.buf = append(w.buf, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || n > 1 {
				i += n
				continue
			}
			w.buf = append(w.buf, s[start:i]...)
			w.buf = append(w.buf, "\ufffd"...)
			i += n
			start = i
			continue
		}
		w.buf = append(w.buf, s[start:i]...)
		switch c {
		case '"', '\\':
			w.buf = append(w.buf, '\\', c)
		default:
			w.buf = append(w.buf, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	w.buf = append(w.buf, s[start:]...)
	w.buf = append(w.buf, '"')
}

// item writes {"name": AttributeValue, …}.
func (w *writer) item(it item) {
	w.openObject()
	for i := range it {
		w.key(it[i].name)
		w.value(it[i].value)
	}
	w.closeObject()
}

// value writes an AttributeValue.
func (w *writer) value(v *value) {
	w.openObject()
	w.key(v.kind.String())
	switch v.kind {
	case kindBOOL:
		w.bool(v.bool)
	case kindNULL:
		w.bool(true)
	case kindM:
		w.item(v.m)
	case kindL:
		w.openArray()
		for _, e := range v.list {
			w.value(e)
		}
		w.closeArray()
	case kindSS, kindNS, kindBS:
		w.openArray()
		for _, e := range v.list {
			w.scalar(e)
		}
		w.closeArray()
	default:
		w.scalar(v)
	}
	w.closeObject()
}

// scalar writes the JSON string that carries an S, N or B.
func (w *writer) scalar(v *value) {
	switch v.kind {
	case kindS:
		w.text(v.text)
	case kindN:
		w.separate()
		w.buf = append(w.buf, '"')
		w.buf = v.num.append(w.buf)
		w.buf = append(w.buf, '"')
	default:
		w.separate()
		w.buf = append(w.buf, '"')
		w.buf = base64.StdEncoding.AppendEncode(w.buf, []byte(v.text))
		w.buf = append(w.buf, '"')
	}
}
