package dynamo

import (
	"fmt"
	"math/big"
	"math/rand"
	"slices"
	"strings"
	"testing"
)

// FuzzExpression: no text makes the parser panic, and what parses once evaluates without panic on any item.
func FuzzExpression(f *testing.F) {
	for _, seed := range []string{"a = :v", "SET a.b[0] = if_not_exists(#n, :v) + :v REMOVE l[1], l[2] ADD n :v DELETE s :v", "a, b.c[1].d, l[3]",
		"NOT (size(a) BETWEEN :v AND :v OR begins_with(a, :v)) AND a IN (:v, b)", "((a))", "a[", "set", ":v", "#", "attribute_type(a, :v", "a.b = a.b", "\x00é"} {
		f.Add(seed)
	}
	values := []*value{{kind: kindS, text: "S"}, {kind: kindN, num: decimal{digits: "1", exp: 1}}, {kind: kindSS, list: []*value{{kind: kindS, text: "a"}}},
		{kind: kindL, list: []*value{{kind: kindS, text: "a"}}}}
	it := item{{"a", &value{kind: kindM, m: item{{"b", values[3]}}}}, {"l", values[3]}, {"n", values[1]}, {"s", values[2]}}
	f.Fuzz(func(t *testing.T, text string) {
		for _, g := range []grammar{grammarCondition, grammarProjection, grammarUpdate} {
			ex, err := parse(g, text)
			if err != nil {
				continue
			}
			for _, v := range values {
				p := &placeholders{}
				for _, name := range ex.names {
					if name[0] == '#' {
						p.names = append(p.names, placeholder{key: name, name: "a"})
					}
				}
				for _, key := range ex.values {
					p.values = append(p.values, placeholder{key: key, value: v})
				}
				b, err := p.bind("Expression", ex)
				if err != nil {
					continue
				}
				switch g {
				case grammarCondition:
					b.holds(it, ex.condition)
				case grammarProjection:
					b.project(it, ex.paths)
				case grammarUpdate:
					if out, err := b.updated(it); err == nil && !slices.IsSortedFunc(out, compareNames) {
						t.Errorf("%q: the item is not sorted: %v", text, out)
					}
				}
			}
		}
	})
}

// FuzzRequest: no body makes an operation panic.
func FuzzRequest(f *testing.F) {
	f.Add(`{"TableName":"tab","Key":{"pk":{"S":"a"}},"UpdateExpression":"SET a = :v","ExpressionAttributeValues":{":v":{"L":[{"N":"1e3"}]}}}`)
	f.Add(`{"TransactItems":[{"Put":{"TableName":"tab","Item":{"pk":{"S":"\u00e9\ud83d\ude00"}}}}]}`)
	f.Add(`{"RequestItems":{"tab":[{"PutRequest":{"Item":{"pk":{"S":"a"}}}}]}}`)
	f.Add(`{"RequestItems":{"tab":{"Keys":[{"pk":{"S":"a"}}]}}}`)
	f.Add(`{"TableName":"tab","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"a"}},"ExclusiveStartKey":{"pk":{"S":"a"}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		e := New(Config{})
		e.answer("DynamoDB_20120810.CreateTable", []byte(`{"TableName":"tab","AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"}],`+
			`"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}],"BillingMode":"PAY_PER_REQUEST"}`))
		for _, op := range []string{"PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem",
			"TransactWriteItems", "TransactGetItems", "CreateTable"} {
			if status, _, out := e.answer("DynamoDB_20120810."+op, []byte(body)); status != 200 && status != 400 {
				t.Errorf("%s %s: %d %s", op, body, status, out)
			}
		}
	})
}

// TestDecimalAgainstBig compares sums, order and text with math/big.
func TestDecimalAgainstBig(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	number := func() (decimal, *big.Rat) {
		text := fmt.Sprintf("%s%d.%de%d", []string{"", "-"}[random.Intn(2)], random.Int63n(1e6), random.Int63n(1e9), random.Intn(30)-15)
		d, err := parseDecimal(text)
		if err != nil {
			t.Fatal(text, err)
		}
		r, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatal(text)
		}
		return d, r
	}
	rat := func(d decimal) *big.Rat {
		r, ok := new(big.Rat).SetString(d.String())
		if !ok {
			t.Fatal(d.String())
		}
		return r
	}
	sums := 0
	for range 5000 {
		a, x := number()
		b, y := number()
		if rat(a).Cmp(x) != 0 {
			t.Fatalf("%v is not %v", a, x)
		}
		if got := a.compare(b); got > 0 != (x.Cmp(y) > 0) || got < 0 != (x.Cmp(y) < 0) {
			t.Fatalf("compare %v %v: %d", a, b, got)
		}
		if got := strings.Compare(string(a.appendKey(nil)), string(b.appendKey(nil))); got != x.Cmp(y) {
			t.Fatalf("keys of %v %v: %d", a, b, got)
		}
		if sum, err := a.add(b); err == nil {
			sums++
			if rat(sum).Cmp(new(big.Rat).Add(x, y)) != 0 {
				t.Fatalf("%v + %v = %v", a, b, sum)
			}
		}
	}
	if sums < 4000 {
		t.Errorf("only %d sums", sums)
	}
}

// TestSizes states the sizes of the developer guide's rules; numbers go by pairs of digits.
func TestSizes(t *testing.T) {
	for text, want := range map[string]int{"0": 1, "1": 2, "-1": 3, "12": 2, "123": 3, "1234": 3, "0.1": 2, "100": 2, "1.5": 3, "-12.5": 4} {
		d, err := parseDecimal(text)
		if err != nil || d.size() != want {
			t.Errorf("%s: %d, want %d; %v", text, d.size(), want, err)
		}
	}
	it := item{{"a", &value{kind: kindS, text: "é"}}, {"b", &value{kind: kindBOOL}}, {"l", &value{kind: kindL, list: []*value{{kind: kindNULL}, {kind: kindS, text: "xyz"}}}},
		{"m", &value{kind: kindM, m: item{{"k", &value{kind: kindS, text: "v"}}}}}}
	if want := (1 + 2) + (1 + 1) + (1 + 3 + 2 + 1 + 3) + (1 + 3 + 1 + 1 + 1); it.size() != want {
		t.Errorf("item: %d, want %d", it.size(), want)
	}
}

// TestTree compares the tree with a sorted slice under random puts, removals and walks.
func TestTree(t *testing.T) {
	random := rand.New(rand.NewSource(1))
	var tr tree
	model := map[int]*entry{}
	at := func(n int) position { return position{hash: uint64(n % 7), sk: fmt.Sprintf("%06d", n)} }
	for range 20000 {
		n := random.Intn(5000)
		p := at(n)
		if random.Intn(3) == 0 {
			tr.remove(&p)
			delete(model, n)
			continue
		}
		e := &entry{position: p}
		tr.put(e)
		model[n] = e
	}
	var want []*entry
	for _, e := range model {
		want = append(want, e)
	}
	slices.SortFunc(want, func(a, b *entry) int { return a.compare(&b.position) })
	if tr.count != len(want) {
		t.Fatalf("count %d, want %d", tr.count, len(want))
	}
	for range 200 {
		low, high := at(random.Intn(5000)), at(random.Intn(5000))
		var inside []*entry
		for _, e := range want {
			if e.compare(&low) >= 0 && e.compare(&high) < 0 {
				inside = append(inside, e)
			}
		}
		for _, down := range []bool{false, true} {
			var got []*entry
			tr.walk(func(e *entry) bool { return e.compare(&low) < 0 }, func(e *entry) bool { return e.compare(&high) < 0 }, down, func(e *entry) bool {
				got = append(got, e)
				return true
			})
			if down {
				slices.Reverse(got)
			}
			if !slices.Equal(got, inside) {
				t.Fatalf("walk down %v: %d entries, want %d", down, len(got), len(inside))
			}
		}
	}
	for n := range 5000 {
		p := at(n)
		if got := tr.get(&p); got != model[n] {
			t.Fatalf("get %d: %v", n, got)
		}
	}
}
