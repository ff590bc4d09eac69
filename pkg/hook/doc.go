// Package hook publishes what happens to tasks and users, on topics, to the pipes that are subscribed to it.
//
// Such an event is published on the topic
//
//	hook.<kind>|<path>|<user>
//
// where the kind is task or user. Of a task the path is its method as it was pushed (path and method: a.b.c) and the user is its pusher; of a user the path is
// the user whom it is about, and the user who did it. A | in path or user is written \|, and a \ is written \\: none of them is taken for what is between
// two. A pipe gets it as {"topic","msg"}, once, that is subscribed to any of
//
//	hook.<kind>|<P>|<U>   hook.<kind>|<P>   hook.<kind>   hook.<kind>.*   hook.*
//
// where P is the path, or a wildcard that takes it, and U the user likewise. The wildcards of a name a.b are a.b.*, a.*, and * alone, for which .* stands as
// well. The permission for a subscription is that for its topic. What a client publishes on a topic of such a name is no event: it goes to whom it
// goes by the rule of topics.
//
// The message is {"action", …}: pkg/task, pkg/user and, of logins, pkg/session tell what is in which. It is an object of at most 120 KB. Of one that would be longer the longest
// member is null, then the next longest.
//
// # What is promised
//
// Nothing. An event is published when whoever brought it about is done: his call is answered, or its answer is recorded. He who won the change of
// the record publishes it, so that of racing ends of a task one is heard of. A handler that dies before, or has no time left, publishes nothing, and what was
// changed in spite of an error (its response was lost) may not be heard of either; an event may come twice. Those of one task, or user, that one
// handler brought about come in order; those of two handlers may cross.
//
// # What it costs
//
// An environment in which something happens asks every 5 s who is subscribed to anything that may take an event (Hears): a read unit where nobody is. Thus it
// takes up to 5 s until a subscription hears of what happens, and as long after its end until it costs nothing more. An event that nobody's subscription takes costs
// no more than that. One that somebody's does: a publication, as topic.pub makes it, and a query for each of the names above, of which an event about a.b.c
// by a user without dots has 33; wildcards below the sixteenth label of a name take nothing. Where there are over 100 such subscriptions all events are
// published.
package hook
