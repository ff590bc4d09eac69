// Package nexus is the bus: the table of its methods, the guard before them, the two dialects, and the composition of the families.
//
// A request goes through one place, Bus.Message: parse, find the method's row, read its params, load the session if the row names a subject,
// check the permission, run. A row that names none still asks whether somebody has logged in (Entered), but for the few calls that are anybody's. What the
// method returns is posted to the caller; a method that is answered later returns nothing. A connection comes and goes by Connected, which may bring
// credentials, and Disconnected. A call that API Gateway took before its session ended is carried out if its row says that it outlives it (outlives).
package nexus
