// Package iam refuses a function what its role does not allow, as AWS does: what a deployment's policies would leave out shows in the first test that
// needs it. Roles are written down elsewhere (nexus.RightsOf); this package tells which function a request is of, what the request needs, and how
// each service says no.
//
// It stands in front of the services, whatever they are. Requests of nobody, which are the stack's own, pass.
package iam
