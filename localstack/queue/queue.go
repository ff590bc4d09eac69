package queue

import (
	"container/list"
	"slices"
	"time"

	"nexus/localstack/clock"
)

const (
	maxVisibility = 43_200  // seconds
	maxDelay      = 900     // seconds
	maxWait       = 20      // seconds
	maxInFlight   = 120_000 // messages of a standard queue
)

// queue is one queue. Its methods are called with the service's mutex held.
type queue struct {
	service  *Service
	name     string
	settings settings
	created  time.Time
	modified time.Time
	purged   time.Time

	messages map[string]*message    // all, by id
	visible  list.List              // of *message, in the order in which they became visible
	hidden   clock.Agenda[*message] // delayed and in flight
	inFlight int                    // of hidden

	waiters []*waiter // long polls, in the order in which they came; only while nothing is visible
	timer   func() bool
	timerAt time.Time
}

// message is a message of a queue. It is in visible (element is set) or in hidden.
type message struct {
	body       string
	bodyMD5    string
	attributes []attribute // by name
	id         string
	sent       time.Time
	source     string // the ARN of the queue that it was moved from, in a dead-letter queue

	visibleAt time.Time
	inFlight  bool
	element   *list.Element
	entry     *clock.Entry[*message] // the latest in hidden

	receives      int
	received      time.Time // last
	firstReceived time.Time
}

// waiter is a long poll. Whoever answers it sets got or err and closes ready.
type waiter struct {
	max        int
	visibility time.Duration
	got        []delivery
	err        error
	ready      chan struct{}
}

// delivery is a message as one receive saw it.
type delivery struct {
	message       *message
	handle        string
	receives      int
	firstReceived time.Time
	source        string
}

// put adds a message that becomes visible at m.visibleAt.
func (q *queue) put(m *message, now time.Time) {
	q.messages[m.id] = m
	if m.visibleAt.After(now) {
		m.entry = q.hidden.Add(m.visibleAt, m)
	} else {
		m.element = q.visible.PushBack(m)
	}
	q.advance(now)
}

// remove forgets a message, wherever it is.
func (q *queue) remove(m *message) {
	delete(q.messages, m.id)
	if m.element != nil {
		q.visible.Remove(m.element)
		m.element = nil
		return
	}
	q.hidden.Remove(m.entry)
	q.landed(m)
}

// landed notes that a message left hidden.
func (q *queue) landed(m *message) {
	if m.inFlight {
		m.inFlight = false
		q.inFlight--
	}
}

// hide changes when a message in flight becomes visible.
func (q *queue) hide(m *message, until, now time.Time) {
	m.visibleAt = until
	q.hidden.Move(m.entry, until)
	q.advance(now)
}

// advance makes visible what is due, answers the polls that wait for it, and sets the timer for what is due next.
func (q *queue) advance(now time.Time) {
	for {
		m, due := q.hidden.Pop(now)
		if !due {
			break
		}
		q.landed(m)
		m.element = q.visible.PushBack(m)
	}
	for len(q.waiters) > 0 && q.visible.Len() > 0 {
		w := q.waiters[0]
		if w.got = q.take(w.max, w.visibility, now); len(w.got) == 0 {
			break // what was visible had expired, or went to the dead-letter queue
		}
		q.waiters = q.waiters[1:]
		close(w.ready)
	}
	q.arm(now)
}

// arm keeps a timer exactly while a poll waits and a message will become visible.
func (q *queue) arm(now time.Time) {
	at, some := q.hidden.Next()
	if len(q.waiters) == 0 || !some {
		q.disarm()
		return
	}
	if q.timer != nil && q.timerAt.Equal(at) {
		return
	}
	q.disarm()
	s := q.service
	q.timerAt = at
	q.timer = s.clock.AfterFunc(at.Sub(now), func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if q.timer != nil && q.timerAt.Equal(at) {
			q.timer = nil
		}
		q.advance(s.clock.Now())
	})
}

func (q *queue) disarm() {
	if q.timer != nil {
		q.timer()
		q.timer = nil
	}
}

// take receives up to n visible messages.
func (q *queue) take(n int, visibility time.Duration, now time.Time) []delivery {
	var got []delivery
	for len(got) < n && q.visible.Len() > 0 {
		m := q.visible.Front().Value.(*message)
		q.visible.Remove(m.element)
		m.element = nil
		if q.expired(m, now) {
			delete(q.messages, m.id)
			continue
		}
		if q.moveToDeadLetters(m, now) {
			continue
		}
		m.receives++
		m.received = now
		if m.receives == 1 {
			m.firstReceived = now
		}
		m.visibleAt, m.inFlight = now.Add(visibility), true
		q.inFlight++
		m.entry = q.hidden.Add(m.visibleAt, m)
		got = append(got, delivery{m, q.handle(m), m.receives, m.firstReceived, m.source})
	}
	return got
}

func (q *queue) expired(m *message, now time.Time) bool {
	return !m.sent.Add(q.settings.retention).After(now)
}

// moveToDeadLetters moves m, which left visible, if it was received as often as it may be. A message keeps its id and its age.
func (q *queue) moveToDeadLetters(m *message, now time.Time) bool {
	policy := q.settings.redrive
	if policy == nil || m.receives < policy.MaxReceiveCount {
		return false
	}
	target := q.service.byARN(policy.Target)
	if target == nil { // deleted since; AWS keeps such a message where it is
		return false
	}
	delete(q.messages, m.id)
	m.source, m.receives, m.visibleAt = q.arn(), 0, now
	target.put(m, now)
	return true
}

// sweep drops what is past the retention period, so that counts are right.
func (q *queue) sweep(now time.Time) {
	q.advance(now)
	for _, m := range q.messages {
		if q.expired(m, now) {
			q.remove(m)
		}
	}
}

// purge forgets all messages, those in flight too.
func (q *queue) purge() {
	clear(q.messages)
	q.visible.Init()
	q.hidden = clock.Agenda[*message]{}
	q.inFlight = 0
	q.disarm()
}

// leave ends the wait of w, unless it was answered.
func (q *queue) leave(w *waiter, now time.Time) {
	if i := slices.Index(q.waiters, w); i >= 0 {
		q.waiters = slices.Delete(q.waiters, i, i+1)
		q.arm(now)
	}
}
