// Package transcript reads and plays transcripts: text files that state what programs send to the bus and what they get, one story a file.
//
//	# A task finds a waiting worker.
//	worker login
//	client login
//	worker --> {"id":1,"method":"task.pull","params":{"prefix":"$uniq.math"}}
//	client --> {"id":7,"method":"task.push","params":{"method":"$uniq.math.add","params":[1,2]}}
//	worker <-- {"id":1,"result":{"taskid":"$task","path":"$uniq.math.","method":"add","params":[1,2],…}}
//	worker --> {"id":2,"method":"task.result","params":{"taskid":"$task","result":3}}
//	worker <-- {"id":2,"result":{"ok":true}}
//	client <-- {"id":7,"result":3}
//
// The same file is played in process, over a local WebSocket and against a deployed stage; a Target says how to connect.
//
// # Lines
//
// A line that begins with white space goes on with the line before it; # begins a comment line. The first word is a connection's name (opened
// when the name is first used), except in `on`, `alone` and `@`:
//
//	on /v0 /v1             plays the whole story once on each stage, each time afresh; first line, default /v0
//	alone                  the story takes what any client may have left on the bus: a bus that others use is spared it, as are stories beside it
//	name connect [/v1]     opens the connection, here on another stage than the story's
//	name login [user pass] sys.login and its answer; as root if no user is given
//	name --> text          sends the text, after putting in what $variables stand for
//	name ~~> text          sends it until the next line, an expectation of the same connection, is met: for what becomes true a little later
//	name <-- pattern       a message that matches comes
//	name <-- nothing       after a ping and its answer no message is left
//	name <-- closed 1000   the connection is closed with this code (* for any)
//	name close             closes the connection as a polite client does
//	name cut               ends it without a close frame
//	@ 10s                  moves the clock
//
// Messages of one connection may come in any order: an expectation takes any message that matches and that no other expectation took. At the
// story's end, and when a connection is closed or cut, each connection is pinged and must then have no message left.
//
// # Patterns
//
// A pattern is JSON, compared with what came by structure: the members of objects in any order and no others, numbers as they are written.
// The member "jsonrpc":"2.0" of a message may be left out. Beyond JSON:
//
//	…            in an object: and other members; in an array: any run of elements
//	*            any value
//	"a*b"        in a string, any run of characters; a star itself is written \u002a
//	$name        any value where the variable is seen first, later the same value
//	"$name"      the same for a string; "a.$name" and "a.${name}b" with a variable that is known
//	/regexp/     a string that the RE2 expression matches as a whole
//	`text`       a value of exactly these bytes, once variables are put in
//
// # Variables
//
// $uniq is other in each play, lower-case letters and digits, so that stories can run together on one bus: names of tasks and users are made
// with it. $root and $pass are the administrator's name and password. In what is sent, a variable that stands for a string puts in what is
// between its quotes; another its JSON. ${x*1000} is a thousand times the text x, in patterns too. A dollar sign itself is written $$.
package transcript
