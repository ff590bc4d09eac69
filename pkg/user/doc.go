// Package user holds the users and the calls about them.
//
// A user is one item of the table users, under its canonical name: uid, hash (of the password), tags (JSON), templates, whitelist, blacklist,
// maxsessions, disabled, createdAt, and dir, by which the index directory lists it (list.go).
//
// Whatever is written carries, as req, the id of the request that wrote it. That makes req the item's version: a read-modify-write is conditional
// on the req that was read, and a handler whose write was repeated after a lost response finds its own. A version number would not do, since it
// would begin again with a user that is deleted and created anew. So a request writes a user once. Renaming moves the item in one transaction.
//
// uid is what tells a user from others that had the name before or have it since; renaming gives another. A session holds that of who logged in:
// reloading it, and what one may do to oneself, is for the user of the name and uid.
//
// A session takes what it needs of its user at login, sys.reload and sys.session.reload (Login and InForce here); until then a change here
// changes nothing there.
//
// Wrong passwords are counted by address and user, in rows of the table calls (failures.go); a password is not hashed while there were too many.
//
// One more item, that no name reaches, records that the first start made root (firstStart in root.go).
package user
