// Package stack puts the local stack together: the gateway, the functions, the tables, their streams and the delay queue, wired as the deployment
// wires AWS. The functions are the real ones, with the real SDK clients; nothing in pkg knows that it runs locally. They run in this process, or as
// the programs that are deployed: see Runtime.
//
// Tables, streams and queues are embedded, or another engine's by its URL: see Remote.
//
// Each function has its rights and no others, as in a deployment (nexus.RightsOf): what it may not do is refused as AWS refuses it, and logged.
package stack
