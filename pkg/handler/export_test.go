package handler

// Origin is what a function makes of an event's context.
var Origin = origin
