// Command localstack runs the whole bus on one machine: `go run ./localstack -listen 127.0.0.1:8080`.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"nexus/localstack/door"
	"nexus/localstack/stack"
	"nexus/pkg/nexus"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address of the WebSocket API")
	dynamodb := flag.String("dynamodb", "", "address at which to serve the tables and streams besides, for the AWS CLI and SDKs; empty: not at all")
	password := flag.String("root-password", "root", "password of the user root, which the first start makes")
	endpoint := flag.String("endpoint", os.Getenv("AWS_ENDPOINT_URL"), endpointHelp)
	embeddedQueue := flag.Bool("embedded-queue", false,
		"with -endpoint: it has no SQS, as DynamoDB Local has none; the queues stay embedded, and what they hold ends with them")
	prefix := flag.String("prefix", "", "with -endpoint: stands before the names of its tables and queues; "+localPrefix+" if none is given")
	runtime := flag.String("runtime", string(stack.InProcess),
		"how functions run: inprocess calls their handlers; process runs the deployed programs behind the Lambda Runtime API, cold starts and all")
	programs := flag.String("programs", "",
		"with -runtime process: a folder of functions built for this machine, <name>/bootstrap, instead of building them")
	var origins []string
	flag.Func("allow-origin", "a web page's origin, as https://app.example or http://localhost:3000, from which pages may use the bus besides its own address; "+
		"repeatable; "+door.Any+" for all", func(value string) error {
		origins = append(origins, value)
		return nil
	})
	rate := flag.Float64("rate", nexus.DefaultThrottle().Rate, "messages a second that a route of a stage takes, as a deployment's option of that name; "+
		"0: as many as come, by no throttle at all")
	burst := flag.Int("burst", nexus.DefaultThrottle().Burst, "messages at once, likewise")
	verbose := flag.Bool("v", false, "log more than warnings")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "localstack: it takes flags only, not %q; -h lists them\n", flag.Arg(0))
		os.Exit(2)
	}
	// The heap is small and short-lived; collecting it less often is worth a few hundred megabytes at full load.
	debug.SetGCPercent(400)
	level := slog.LevelWarn
	if *verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	elsewhere, err := remote(*endpoint, *embeddedQueue, *prefix, os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, "localstack:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	throttle, err := throttle(*rate, *burst)
	if err != nil {
		fmt.Fprintln(os.Stderr, "localstack:", err)
		os.Exit(2)
	}
	c := stack.Config{Throttle: throttle, Listen: *listen, DynamoDB: *dynamodb, AllowOrigins: origins, RootPassword: *password, Log: log, Runtime: stack.Runtime(*runtime), Programs: *programs,
		Remote: elsewhere, Env: settings(os.Getenv)}
	if c.Runtime == stack.Process && c.Programs == "" {
		fmt.Println("Building the functions, which takes a minute the first time.")
	}
	s, err := stack.Start(ctx, c)
	if err != nil {
		fmt.Fprintln(os.Stderr, "localstack:", err)
		os.Exit(1)
	}
	fmt.Printf("Nexus listens on ws://%s/v0 (the specification) and ws://%s/v1 (Nexus 1.9).\n", s.Addr, s.Addr)
	if s.DynamoDBAddr != "" {
		fmt.Printf("Its tables: aws dynamodb scan --table-name %stasks --endpoint-url http://%s --region %s --no-sign-request\n",
			stack.TablePrefix, s.DynamoDBAddr, stack.Region)
	}
	fmt.Println(where(elsewhere, s.FirstStart))
	<-ctx.Done()
	if err := s.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "localstack:", err)
		os.Exit(1)
	}
}
