// Package access holds the pure rules of who and what is named, and who may do what: names and prefixes, tags and the
// permissions they give, templates, masks, address lists. It does no I/O, keeps no state, and every function leaves
// its arguments as they were.
//
// The rules are those of the sections "Names and prefixes", "Permissions" and "Sessions" of the protocol.
//
// Two shapes of name go through it, both lower-cased:
//
//	name    a.b.c     users, topics, locks, tag prefixes, whole task methods, list prefixes ("" covers all)
//	path    a.b.      where tasks wait; "." for methods of a single label
//
// Functions called Covers, Depth, InForce, Allows and so on take either shape, already canonical: a trailing dot does
// not count. What comes from a client goes through UserName, TaskMethod, TaskPrefix, … first. Their errors are short
// reasons fit for the client ("holds white space"); they say neither the field nor the value.
//
// Lower-casing is Unicode's, rune by rune, and may change the number of bytes: bounds apply after it. There is no
// Unicode normalisation: composed and decomposed spellings are different names, as in Nexus.
package access
