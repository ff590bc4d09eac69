// Package nexus is the bus: the table of its methods, the guard before them, the two dialects, and the composition of the families.
//
// A request goes through one place, Bus.Message: parse, find the method's row, read its params, load the session if the row names a subject,
// check the permission, run. What the method returns is posted to the caller; a method that is answered later returns nothing.
package nexus
