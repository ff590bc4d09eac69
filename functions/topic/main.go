// Command topic is the Lambda function of that name.
package main

import "nexus/pkg/handler"

func main() { handler.Main("topic") }
