package topic

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"nexus/pkg/store"
)

// Record is a record of the table's stream.
type Record struct {
	ID    string     // its sequence number
	Image store.Item // the item after the write
}

// publication is what a record says was published.
type publication struct {
	row   string // its number
	n     int64  // its number in the row
	topic string
	parts []string        // of one that is the bus' own and has them
	msg   json.RawMessage // or else
	body  string          // the body row that holds it composed
	at    time.Time
	whole json.RawMessage // the message composed, once it was
}

// row is the row that a record is of, well formed or not.
func (r Record) row() string { return strings.TrimPrefix(r.Image.Str("part"), partPublications) }

// publication reads a record. Its error says what no publication is like.
func (r Record) publication() (*publication, error) {
	i := r.Image
	p := &publication{row: r.row(), n: i.Int("n"), topic: i.Str("topic"), parts: i.Strs("parts"), msg: json.RawMessage(i.Str("msg")),
		body: i.Str("body"), at: i.Time("at")}
	row, err := strconv.Atoi(p.row)
	switch {
	case err != nil || row < 0 || row >= Rows || partPublications+strconv.Itoa(row) != i.Str("part"):
		return nil, errors.New("not of a row of publications")
	case p.n < 1:
		return nil, errors.New("no number")
	case p.topic == "":
		return nil, errors.New("no topic")
	case p.body == "" && !json.Valid(p.msg):
		return nil, errors.New("no message")
	}
	return p, nil
}
