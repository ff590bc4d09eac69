package topic

import (
	"hash/fnv"
	"strconv"

	"nexus/pkg/store"
)

// Rows is how many rows carry publications. Those of one publisher are in one row, which keeps their order.
const Rows = 64

// The partitions of the table, told apart by how their keys begin: a topic may have any name.
const (
	partPublications = "p#" // then the number of a row: its last publication
	partCursor       = "c#" // then the number of a row: where its fan-out is
	partSubscribers  = "s#" // then a topic, as it was subscribed to: a row per pipe
	partPipe         = "q#" // then a pipe: a row per topic, as it was subscribed to
	partListeners    = "h#" // a row per subscription that may match publications of the bus itself, by its topic and pipe
)

// Filter keeps all records but publications from the stream's function. It is an event filter pattern of Lambda.
const Filter = `{"eventName":["INSERT","MODIFY"],"dynamodb":{"Keys":{"part":{"S":[{"prefix":"` + partPublications + `"}]}}}}`

// single is the sort key in partitions of one row.
const single = "-"

func key(part, row string) store.Item { return store.Item{"part": store.S(part), "row": store.S(row)} }

// rowOf is the number of the row that carries a publisher's publications.
func rowOf(publisher string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(publisher)) // a hash takes everything
	return strconv.Itoa(int(h.Sum32() % Rows))
}

// subscriber is the row of a pipe among a topic's subscribers.
func subscriber(topic, pipeid string) store.Item { return key(partSubscribers+topic, pipeid) }

// subscribed is the row of a topic among those that a pipe is subscribed to.
func subscribed(pipeid, topic string) store.Item { return key(partPipe+pipeid, topic) }
