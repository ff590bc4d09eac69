package user

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost is what one hash costs with argon2id.
type Cost struct {
	Memory      uint32 // KiB
	Passes      uint32
	Parallelism uint8
}

// DefaultCost is OWASP's recommendation for argon2id: 19 MiB, two passes.
func DefaultCost() Cost { return Cost{Memory: 19 << 10, Passes: 2, Parallelism: 1} }

// The lengths of what is stored, in bytes.
const (
	saltLength = 16
	keyLength  = 32
)

// Bounds of a stored hash's cost, so that a damaged one is an error and not hours of work: 1 GiB, 100 passes.
const (
	mostMemory = 1 << 20
	mostPasses = 100
)

// Hasher hashes passwords with argon2id. It is safe for concurrent use.
type Hasher struct {
	cost  Cost
	salt  func() []byte
	slots chan struct{} // an entry per hash under way
}

// NewHasher returns a Hasher for new hashes of a cost. It makes at most so many at a time, for each takes the cost's memory; more wait. salt
// returns 16 bytes nobody can guess.
func NewHasher(cost Cost, most int, salt func() []byte) *Hasher {
	return &Hasher{cost: cost, salt: salt, slots: make(chan struct{}, max(most, 1))}
}

// Hash returns a password's hash in the PHC string format, which names the cost. Its only errors are the context's and a salt of another length.
func (h *Hasher) Hash(ctx context.Context, pass string) (string, error) {
	salt := h.salt()
	if len(salt) != saltLength {
		return "", fmt.Errorf("password: a salt of %d bytes", len(salt))
	}
	key, err := h.derive(ctx, h.cost, salt, pass)
	if err != nil {
		return "", err
	}
	return phc{h.cost, salt, key}.String(), nil
}

// Verify tells whether a password has a hash. The empty hash, of a user that does not exist, is no password's, and costs as much as a new one.
func (h *Hasher) Verify(ctx context.Context, hash, pass string) (bool, error) {
	stored := phc{cost: h.cost, salt: make([]byte, saltLength), key: make([]byte, keyLength)}
	if hash != "" {
		var err error
		if stored, err = parsePHC(hash); err != nil {
			return false, err
		}
	}
	key, err := h.derive(ctx, stored.cost, stored.salt, pass)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(key, stored.key) == 1 && hash != "", nil
}

func (h *Hasher) derive(ctx context.Context, cost Cost, salt []byte, pass string) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(pass), salt, cost.Passes, cost.Memory, cost.Parallelism, keyLength), nil
}

// phc is a hash in the PHC string format: $argon2id$v=19$m=19456,t=2,p=1$<salt>$<key>.
type phc struct {
	cost      Cost
	salt, key []byte
}

func (p phc) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, p.cost.Memory, p.cost.Passes, p.cost.Parallelism,
		base64.RawStdEncoding.EncodeToString(p.salt), base64.RawStdEncoding.EncodeToString(p.key))
}

// parsePHC reads what String wrote, and nothing else. Its error does not hold the hash.
func parsePHC(s string) (p phc, err error) {
	fail := func(what string) (phc, error) { return phc{}, fmt.Errorf("password: stored hash: %s", what) }
	fields := strings.Split(s, "$")
	if len(fields) != 6 {
		return fail("not six fields")
	}
	if _, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &p.cost.Memory, &p.cost.Passes, &p.cost.Parallelism); err != nil {
		return fail("cost")
	}
	if p.cost.Memory > mostMemory || p.cost.Passes < 1 || p.cost.Passes > mostPasses || p.cost.Parallelism < 1 {
		return fail("cost out of bounds")
	}
	if p.salt, err = base64.RawStdEncoding.DecodeString(fields[4]); err != nil {
		return fail("salt")
	}
	if p.key, err = base64.RawStdEncoding.DecodeString(fields[5]); err != nil || len(p.key) != keyLength {
		return fail("key")
	}
	if p.String() != s {
		return fail("another scheme or spelling")
	}
	return p, nil
}
