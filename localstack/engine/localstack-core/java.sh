#!/bin/sh
# Java as LocalStack calls it for DynamoDB Local, which it would let listen on every address: $LOOPBACK is run in its place. LocalStack's own agent,
# which it looks for and which is not there, is left out.
for arg; do
	shift
	case $arg in
	-javaagent:*) ;;
	-jar) set -- "$@" -cp ;;
	*/DynamoDBLocal.jar) set -- "$@" "$arg" "$LOOPBACK" ;;
	*) set -- "$@" "$arg" ;;
	esac
done
exec "$JAVA" "$@"
