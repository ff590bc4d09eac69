package user

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func fixedSalt() []byte { return []byte("0123456789abcdef") }

func TestHash(t *testing.T) {
	h := NewHasher(DefaultCost(), 1, fixedSalt)
	hash, err := h.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if want := "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"; !strings.HasPrefix(hash, want) || len(hash) != len(want)+43 {
		t.Errorf("hash %s, want %s and 43 characters", hash, want)
	}
	for pass, want := range map[string]bool{"correct horse": true, "Correct horse": false, "": false} {
		if got, err := h.Verify(t.Context(), hash, pass); got != want || err != nil {
			t.Errorf("%q: %t %v, want %t", pass, got, err, want)
		}
	}
	if _, err := NewHasher(DefaultCost(), 1, func() []byte { return []byte("short") }).Hash(t.Context(), "correct horse"); err == nil {
		t.Error("a short salt was taken")
	}
}

// A hash of the reference implementation's own tests, of another cost: what is stored says its cost, so that it can change.
const reference = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

func TestVerifyReference(t *testing.T) {
	h := NewHasher(Cost{Memory: 8, Passes: 1, Parallelism: 1}, 1, fixedSalt)
	for pass, want := range map[string]bool{"password": true, "differentpassword": false} {
		if got, err := h.Verify(t.Context(), reference, pass); got != want || err != nil {
			t.Errorf("%q: %t %v, want %t", pass, got, err, want)
		}
	}
}

func TestVerifyDamaged(t *testing.T) {
	h := NewHasher(DefaultCost(), 1, fixedSalt)
	for _, change := range [][2]string{
		{"$argon2id", "argon2id"}, {"argon2id", "argon2i"}, {"v=19", "v=16"}, {"m=256", "m=4294967295"}, {"m=256", "m=x"}, {"t=2", "t=0"},
		{"t=2", "t=1000"}, {"p=1", "p=0"}, {"p=1", "p=1,x"}, {"c29tZXNhbHQ", "c29tZXNhbHQ="}, {"nf65", "nf65AAAA"}, {"nf65", "n!"},
	} {
		damaged := strings.Replace(reference, change[0], change[1], 1)
		ok, err := h.Verify(t.Context(), damaged, "password")
		if ok || err == nil || strings.Contains(err.Error(), "nf65") {
			t.Errorf("%s: %t %v, want an error that does not tell the hash", damaged, ok, err)
		}
	}
}

// TestVerifyNobody proves that the check of a user that does not exist waits its turn at the same work as any other.
func TestVerifyNobody(t *testing.T) {
	h := NewHasher(Cost{Memory: 8, Passes: 1, Parallelism: 1}, 1, fixedSalt)
	if ok, err := h.Verify(t.Context(), "", "password"); ok || err != nil {
		t.Errorf("%t %v, want false", ok, err)
	}
	h.slots <- struct{}{} // another hash is under way
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, hash := range []string{"", reference} {
		if ok, err := h.Verify(ctx, hash, "password"); ok || !errors.Is(err, context.Canceled) {
			t.Errorf("%q: %t %v, want to wait", hash, ok, err)
		}
	}
	if _, err := h.Hash(ctx, "password"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want to wait", err)
	}
	<-h.slots
	if ok, err := h.Verify(t.Context(), reference, "password"); !ok || err != nil {
		t.Errorf("%t %v, want true", ok, err)
	}
}
