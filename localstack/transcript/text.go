package transcript

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// text reads a JSON string; of a pattern's its stars and variables too.
func (p *parser) text() ([]part, error) {
	start := p.at + 1
	end := start
	for ; end < len(p.src) && p.src[end] != '"'; end++ {
		if p.src[end] == '\\' {
			end++
		}
	}
	if end >= len(p.src) {
		return nil, errors.New("a string without its end")
	}
	p.at = end + 1
	body := p.src[start:end]
	if !p.pattern {
		s, err := unquote(body)
		return []part{{text: s}}, err
	}
	pieces, err := split(body)
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, piece := range pieces {
		if piece.name != "" {
			parts = append(parts, piece)
			continue
		}
		for i, s := range strings.Split(piece.text, "*") {
			if i > 0 {
				parts = append(parts, part{star: true})
			}
			s, err := unquote(s)
			if err != nil {
				return nil, err
			}
			if s != "" {
				parts = append(parts, part{text: s})
			}
		}
	}
	return parts, nil
}

// unquote decodes what stands between a JSON string's quotes.
func unquote(body string) (string, error) {
	var s string
	if err := json.Unmarshal([]byte(`"`+body+`"`), &s); err != nil {
		return "", fmt.Errorf("%q is no JSON string", body)
	}
	return s, nil
}

// split finds the variables in text: $name, ${name}, ${x*1000} (repeated here and now) and $$ (a dollar sign). What is between them is left as it
// is.
func split(src string) ([]part, error) {
	var parts []part
	plain := func(s string) {
		if n := len(parts); n > 0 && parts[n-1].name == "" {
			parts[n-1].text += s
		} else if s != "" {
			parts = append(parts, part{text: s})
		}
	}
	for {
		before, after, found := strings.Cut(src, "$")
		plain(before)
		switch {
		case !found:
			return parts, nil
		case strings.HasPrefix(after, "$"):
			plain("$")
			src = after[1:]
		case strings.HasPrefix(after, "{"):
			inside, tail, ok := strings.Cut(after[1:], "}")
			if !ok {
				return nil, errors.New("${ without }")
			}
			src = tail
			if star := strings.LastIndexByte(inside, '*'); star >= 0 {
				n, err := strconv.Atoi(inside[star+1:])
				if err != nil || n < 0 || n > maxRepeat {
					return nil, fmt.Errorf("${%s}: the count is no number from 0 to %d", inside, maxRepeat)
				}
				plain(strings.Repeat(inside[:star], n))
				continue
			}
			if variableName(inside) != inside || inside == "" {
				return nil, fmt.Errorf("${%s} is no variable", inside)
			}
			parts = append(parts, part{name: inside})
		default:
			name := variableName(after)
			if name == "" {
				return nil, errors.New("$ without a name; a dollar sign is written $$")
			}
			parts = append(parts, part{name: name})
			src = after[len(name):]
		}
	}
}

// maxRepeat bounds ${x*n}: a message of the bus has at most 128 KB.
const maxRepeat = 1 << 20

// variableName returns the variable's name that src begins with: a letter, then letters and digits.
func variableName(src string) string {
	n := 0
	for n < len(src) {
		c := src[n] | ' '
		if (c < 'a' || c > 'z') && (n == 0 || src[n] < '0' || src[n] > '9') {
			break
		}
		n++
	}
	return src[:n]
}

// variables holds what the names stand for, as JSON.
type variables map[string]string

// content is what a variable puts into text: what is between the quotes of a string, else its JSON.
func (vars variables) content(name string) (string, bool) {
	raw, ok := vars[name]
	if strings.HasPrefix(raw, `"`) {
		raw = raw[1 : len(raw)-1]
	}
	return raw, ok
}

// expand puts the variables into text to be sent.
func (vars variables) expand(parts []part) (string, error) {
	var b strings.Builder
	for _, p := range parts {
		if p.name == "" {
			b.WriteString(p.text)
			continue
		}
		s, ok := vars.content(p.name)
		if !ok {
			return "", fmt.Errorf("$%s stands for nothing yet", p.name)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// decode puts the variables into a string of a pattern and leaves its stars. What is known returns false if a variable is not.
func (vars variables) decode(parts []part) (decoded []part, known bool) {
	for _, p := range parts {
		if p.name != "" {
			s, ok := vars.content(p.name)
			if !ok {
				return nil, false
			}
			if strings.HasPrefix(vars[p.name], `"`) {
				s, _ = unquote(s) // it came out of JSON
			}
			p = part{text: s}
		}
		decoded = append(decoded, p)
	}
	return decoded, true
}

// glob matches s with text and stars.
func glob(parts []part, s string) bool {
	if len(parts) == 0 {
		return s == ""
	}
	if !parts[0].star {
		rest, ok := strings.CutPrefix(s, parts[0].text)
		return ok && glob(parts[1:], rest)
	}
	for i := 0; i <= len(s); i++ {
		if glob(parts[1:], s[i:]) {
			return true
		}
	}
	return false
}
