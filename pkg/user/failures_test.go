package user_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"nexus/pkg/jsonrpc"
	"nexus/pkg/store"
)

const home, away = "10.0.0.1", "10.0.0.2"

// login tries a password, and returns what its client is told.
func (b *bench) login(name, pass, ip string) string {
	b.t.Helper()
	_, err := b.users.Login(b.ctx, name, name, pass, ip)
	if err == nil {
		return "ok"
	}
	e, known := jsonrpc.From(err)
	if !known {
		b.t.Fatal(err)
	}
	return fmt.Sprint(int(e.Code))
}

// counted lists the rows of failures.
func (b *bench) counted() []string {
	var rows []string
	for _, item := range b.Table(store.Calls) {
		rows = append(rows, fmt.Sprintf("%s %s %d", item.Str("id"), item.Str("row"), item.Int("n")))
	}
	slices.Sort(rows)
	return rows
}

// A thousand wrong passwords, one a second, and what each is told: ten are tried, then those that come when the wait is over, which grows to a quarter of an
// hour. The rightful user logs in from another address all the while.
func TestAThousandWrongPasswords(t *testing.T) {
	for _, name := range []string{"ana", "ghost"} { // ghost does not exist, and its client cannot tell
		b := newBench(t)
		b.create("ana", "first")
		told := map[string]int{}
		var tried []int
		for n := range 1000 {
			got := b.login(name, "wrong", home)
			told[got]++
			if got == "-32010" {
				tried = append(tried, n)
			}
			if n%100 == 0 {
				if got := b.login("ana", "first", away); got != "ok" {
					t.Errorf("from elsewhere after %d: %s", n, got)
				}
			}
			b.Advance(time.Second)
		}
		if want := map[string]int{"-32010": 20, "-32012": 980}; !maps.Equal(told, want) {
			t.Errorf("%s: told %v, want %v", name, told, want)
		}
		// After the 11th failure a second's wait, then two, four …
		if want := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 17, 25, 41, 73, 137, 265, 521}; !slices.Equal(tried, want) {
			t.Errorf("%s: tried at %v, want %v", name, tried, want)
		}
		b.Same("counted", b.counted(), []string{"login#10.0.0.1 # 20", "login#10.0.0.1 u#" + name + " 20"})
		if got := b.login(name, "first", home); got != "-32012" {
			t.Errorf("%s, the right password too early: %s", name, got)
		}
		b.Advance(15 * time.Minute)
		if got, want := b.login(name, "first", home), map[string]string{"ana": "ok", "ghost": "-32010"}[name]; got != want {
			t.Errorf("%s, after the longest wait: %s", name, got)
		}
	}
}

// What is refused unheard hashes nothing, writes nothing, and asks the same of the tables for a user that is not there.
func TestRefusedBeforeHashing(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	for _, name := range []string{"ana", "ghost"} {
		for range 11 {
			b.login(name, "wrong", home)
		}
		gets, batches, updates := b.On("GetItem").Count(), b.On("BatchGetItem").Count(), b.On("UpdateItem").Count()
		hash := b.users.Passwords
		b.users.Passwords = nil // a hash would be a crash
		if got := b.login(name, "first", home); got != "-32012" {
			t.Errorf("%s: %s", name, got)
		}
		b.users.Passwords = hash
		if n, m, w := b.On("GetItem").Count()-gets, b.On("BatchGetItem").Count()-batches, b.On("UpdateItem").Count()-updates; n != 1 || m != 1 || w != 0 {
			t.Errorf("%s: %d reads, %d of counters, %d writes", name, n, m, w)
		}
	}
}

// A good login writes nothing, whatever was counted.
func TestAGoodLoginCountsNothing(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	cost := func() (writes, reads float64) {
		m := &store.Meter{}
		if _, err := b.users.Login(store.WithMeter(b.ctx, m), "ana", "ana", "first", home); err != nil {
			t.Fatal(err)
		}
		return m.Units()
	}
	// The user, strongly; two counters that are not there, or are, eventually.
	for range 3 {
		if w, r := cost(); w != 0 || r != 2 {
			t.Errorf("%v writes, %v reads", w, r)
		}
		b.login("ana", "wrong", home)
	}
	b.Same("counted", b.counted(), []string{"login#10.0.0.1 # 3", "login#10.0.0.1 u#ana 3"})
}

// Somebody who tries many users is slowed down as an address, and others behind it with him; nobody elsewhere is.
func TestManyUsersFromAnAddress(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	told := map[string]int{}
	for n := range 350 {
		told[b.login(fmt.Sprintf("guess%d", n), "wrong", home)]++
	}
	if want := map[string]int{"-32010": 301, "-32012": 49}; !maps.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	if got := b.login("ana", "first", home); got != "-32012" {
		t.Errorf("behind the same address: %s", got)
	}
	if got := b.login("ana", "first", away); got != "ok" {
		t.Errorf("elsewhere: %s", got)
	}
	b.Advance(time.Second)
	if got := b.login("ana", "first", home); got != "ok" {
		t.Errorf("behind the same address, a second later: %s", got)
	}
}

// An hour after the last failure all is forgotten, though TimeToLive has deleted nothing yet; a count begins anew.
func TestFailuresAreForgotten(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	for range 30 {
		b.login("ana", "wrong", home)
		b.Advance(15 * time.Minute)
	}
	b.Same("counted", b.counted(), []string{"login#10.0.0.1 # 30", "login#10.0.0.1 u#ana 30"})
	b.Advance(45 * time.Minute)
	for range 5 {
		if got := b.login("ana", "wrong", home); got != "-32010" {
			t.Errorf("forgotten: %s", got)
		}
	}
	b.Same("counted", b.counted(), []string{"login#10.0.0.1 # 5", "login#10.0.0.1 u#ana 5"})
}

// Whose network has 2^64 addresses is one source; IPv4 in the form of IPv6 is the address that it is.
func TestSources(t *testing.T) {
	b := newBench(t)
	for _, ip := range []string{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1", "::ffff:10.0.0.1", home, "", "no address"} {
		b.login("ghost", "wrong", ip)
	}
	b.Same("counted", b.counted(), []string{
		"login# # 1", "login# u#ghost 1", "login#10.0.0.1 # 2", "login#10.0.0.1 u#ghost 2", "login#2001:db8:1:2::/64 # 2", "login#2001:db8:1:2::/64 u#ghost 2",
		"login#2001:db8:1:3::/64 # 1", "login#2001:db8:1:3::/64 u#ghost 1", "login#no address # 1", "login#no address u#ghost 1"})
}

// Who has the password, and is refused for another reason, is no guesser.
func TestOnlyWrongPasswordsCount(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	b.set("ana", "disabled", store.Bool(true))
	for range 20 {
		if got := b.login("ana", "first", home); got != "-32010" {
			t.Fatal(got)
		}
	}
	b.Same("counted", b.counted(), nil)
}

// A counter that another began or TimeToLive deleted meanwhile is met, and a response that is lost counts twice at most.
func TestCountersAreWrittenBySeveral(t *testing.T) {
	b := newBench(t)
	b.create("ana", "first")
	b.On("UpdateItem", "u#ana").Run(func() { b.login("ana", "wrong", home) })
	b.login("ana", "wrong", home)
	b.Same("begun by another", b.counted(), []string{"login#10.0.0.1 # 2", "login#10.0.0.1 u#ana 2"})
	b.On("UpdateItem", "u#ana").Lose(1)
	b.login("ana", "wrong", home)
	b.Same("a lost response", b.counted(), []string{"login#10.0.0.1 # 3", "login#10.0.0.1 u#ana 4"})
}
