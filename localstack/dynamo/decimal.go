package dynamo

import (
	"math/big"
	"strconv"
	"strings"
)

// Bounds of a DynamoDB number, from the developer guide: 38 significant digits, magnitude 1E-130 to 9.99…E+125.
const (
	maxDigits   = 38
	maxExponent = 126  // of 0.d₁d₂… × 10^exp
	minExponent = -129 // likewise
)

// decimal is an exact number: ±0.d₁d₂… × 10^exp with d₁ ≠ 0 and no trailing zero. Zero has no digits.
type decimal struct {
	neg    bool
	digits string
	exp    int
}

// parseDecimal reads a number as DynamoDB accepts it: sign, digits with at most one point, exponent.
func parseDecimal(s string) (decimal, error) {
	fail := func() (decimal, error) {
		return decimal{}, validation("The parameter cannot be converted to a numeric value: " + s)
	}
	var d decimal
	rest := s
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		d.neg = rest[0] == '-'
		rest = rest[1:]
	}
	exp := 0
	if i := strings.IndexAny(rest, "eE"); i >= 0 {
		n, err := strconv.Atoi(rest[i+1:])
		if err != nil || n > 1e6 || n < -1e6 {
			return fail()
		}
		exp, rest = n, rest[:i]
	}
	digits := rest
	if i := strings.IndexByte(rest, '.'); i >= 0 {
		exp -= len(rest) - i - 1
		digits = rest[:i] + rest[i+1:]
	}
	if digits == "" {
		return fail()
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return fail()
		}
	}
	return d.scaled(digits, exp)
}

// scaled completes a decimal of d's sign with the value of digits × 10^exp, and checks its bounds.
func (d decimal) scaled(digits string, exp int) (decimal, error) {
	exp += len(digits)
	trimmed := strings.TrimLeft(digits, "0")
	exp -= len(digits) - len(trimmed)
	trimmed = strings.TrimRight(trimmed, "0")
	switch {
	case trimmed == "":
		return decimal{}, nil
	case len(trimmed) > maxDigits:
		return d, validation("Attempting to store more than 38 significant digits in a Number")
	case exp > maxExponent:
		return d, validation("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case exp < minExponent:
		return d, validation("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	d.digits, d.exp = trimmed, exp
	return d, nil
}

// String writes the number without an exponent, as DynamoDB returns it.
func (d decimal) String() string {
	var buf [48]byte
	return string(d.append(buf[:0]))
}

func (d decimal) append(b []byte) []byte {
	if d.digits == "" {
		return append(b, '0')
	}
	if d.neg {
		b = append(b, '-')
	}
	switch n := len(d.digits); {
	case d.exp <= 0:
		b = append(b, "0."...)
		b = appendZeros(b, -d.exp)
		b = append(b, d.digits...)
	case d.exp >= n:
		b = append(b, d.digits...)
		b = appendZeros(b, d.exp-n)
	default:
		b = append(b, d.digits[:d.exp]...)
		b = append(b, '.')
		b = append(b, d.digits[d.exp:]...)
	}
	return b
}

func appendZeros(b []byte, n int) []byte {
	for range n {
		b = append(b, '0')
	}
	return b
}

// compare orders two numbers by value.
func (d decimal) compare(o decimal) int {
	if d.sign() != o.sign() {
		return d.sign() - o.sign()
	}
	c := d.exp - o.exp
	if c == 0 {
		c = strings.Compare(d.digits, o.digits)
	}
	if d.neg {
		return -c
	}
	return c
}

func (d decimal) sign() int {
	switch {
	case d.digits == "":
		return 0
	case d.neg:
		return -1
	}
	return 1
}

func (d decimal) negated() decimal {
	if d.digits != "" {
		d.neg = !d.neg
	}
	return d
}

// add returns the exact sum, or an error where it has more digits or magnitude than DynamoDB stores.
func (d decimal) add(o decimal) (decimal, error) {
	if d.digits == "" {
		return o, nil
	}
	if o.digits == "" {
		return d, nil
	}
	low := min(d.exp-len(d.digits), o.exp-len(o.digits))
	if high := max(d.exp, o.exp); high-low <= 17 { // both, and their sum, fit an int64
		sum := d.small(low) + o.small(low)
		return decimal{neg: sum < 0}.scaled(strconv.FormatInt(max(sum, -sum), 10), low)
	}
	sum := d.large(low)
	sum.Add(sum, o.large(low))
	neg := sum.Sign() < 0
	return decimal{neg: neg}.scaled(sum.Abs(sum).String(), low)
}

// small is the number divided by 10^low; it must be an integer below 10^17.
func (d decimal) small(low int) int64 {
	n := int64(0)
	for i := range len(d.digits) {
		n = n*10 + int64(d.digits[i]-'0')
	}
	for range d.exp - len(d.digits) - low {
		n *= 10
	}
	if d.neg {
		return -n
	}
	return n
}

// large is the number divided by 10^low; it must be an integer.
func (d decimal) large(low int) *big.Int {
	n, _ := new(big.Int).SetString(d.digits, 10)
	shift := big.NewInt(int64(d.exp - len(d.digits) - low))
	n.Mul(n, shift.Exp(big.NewInt(10), shift, nil))
	if d.neg {
		n.Neg(n)
	}
	return n
}

// size is what DynamoDB bills: one byte, one for each pair of digits of the base-100 mantissa, one for a minus sign.
func (d decimal) size() int {
	n := len(d.digits)
	if n == 0 {
		return 1
	}
	size := 1 + (n+1)/2
	if n%2 == 0 && (d.exp-1)%2 == 0 { // an even number of digits that straddles its pairs
		size++
	}
	if d.neg {
		size++
	}
	return size
}

// appendKey appends an encoding whose byte order is the numbers' order.
func (d decimal) appendKey(b []byte) []byte {
	if d.digits == "" {
		return append(b, 1)
	}
	e := uint16(d.exp - minExponent)
	if !d.neg {
		b = append(b, 2, byte(e>>8), byte(e))
		return append(b, d.digits...)
	}
	b = append(b, 0, ^byte(e>>8), ^byte(e))
	for i := range len(d.digits) {
		b = append(b, ^d.digits[i])
	}
	return append(b, 0xff)
}
