"""Starts MiniStack, with what it lacks and can be mended from outside, as README.md lists it. It reaches into internals of the pinned release."""

import datetime
import json
import os
import re
import signal
import sys
import threading

import hypercorn.config
from ministack import app
from ministack.core import iam_evaluator
from ministack.services import apigateway, cloudwatch_logs, dynamodb, lambda_svc
from ministack.services.cloudformation import provisioners

# The server and the functions that it starts are a group, which ends with whoever holds this program's standard input, however that ends.
os.setpgrp()
threading.Thread(target=lambda: (sys.stdin.read(), os.killpg(0, signal.SIGKILL)), daemon=True).start()

# API Gateway's limit of a message: beyond it, the connection is closed with 1009.
hypercorn.config.Config.websocket_max_message_size = 128 * 1024

# Functions post to connections at the address of AWS that the template computes; here it is the server's.
HOST = re.compile(r"^https://(\w+)\.execute-api\.[\w.-]+\.amazonaws\.com(?=/)")
environment = lambda_svc._provided_worker_env


def _environment(*args):
    here = os.environ["AWS_ENDPOINT_URL"] + r"/_aws/execute-api/\1"
    return {name: HOST.sub(here, value) for name, value in environment(*args).items()}


lambda_svc._provided_worker_env = _environment

# A message nested deeper than Python's parser goes has no method that could be read: it is $default's, as API Gateway gives it what it cannot read.
select_route = apigateway._evaluate_route_selection


def _select_route(*args):
    try:
        return select_route(*args)
    except RecursionError:
        return "$default"


apigateway._evaluate_route_selection = _select_route

# A function without its log group makes it, by a right that these functions have not: one that a late timer calls while the stack is destroyed.
emit = lambda_svc._emit_lambda_logs


def _emit(func, *args, **named):
    if func.get("config", func).get("LoggingConfig", {}).get("LogGroup") in cloudwatch_logs._log_groups:
        emit(func, *args, **named)


lambda_svc._emit_lambda_logs = _emit

# What GetConnection answers has other names and forms on AWS. And the server may need more than the second that a function gives an attempt: the SDK's
# next one carries the same id, and would send the message once more.
connections = apigateway.handle_connections_api
posted = set()


async def _connections(method, *args):
    attempt = args[-1].get("amz-sdk-invocation-id")
    if method == "POST" and attempt in posted:
        return 200, {"Content-Type": "application/json"}, b""
    status, headers, body = await connections(method, *args)
    if method == "POST" and status == 200 and attempt:
        posted.add(attempt)
    if method == "GET" and status == 200:
        was = json.loads(body)
        when = {name: datetime.datetime.fromtimestamp(was[name], datetime.timezone.utc).isoformat() for name in ("ConnectedAt", "LastActiveAt")}
        body = json.dumps({"connectedAt": when["ConnectedAt"], "lastActiveAt": when["LastActiveAt"], "identity": was["Identity"]}).encode()
    return status, headers, body


apigateway.handle_connections_api = _connections

# The policy of the CDK's bucket wants TLS, which nobody speaks here.
app.pin_request_origin = lambda address, secure: iam_evaluator.pin_request_origin(address, True)

# SQS asks for the right to send one message where many are sent; there is no other.
enforce = iam_evaluator.enforce
iam_evaluator.enforce = lambda key, action, *args, **named: enforce(key, action.replace("sqs:SendMessageBatch", "sqs:SendMessage"), *args, **named)

# Templates' time to live and point-in-time recovery are dropped.
handlers = provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"]
create = handlers["create"]


def _create(logical_id, props, stack_name):
    made = create(logical_id, props, stack_name)
    for prop, call in (("TimeToLiveSpecification", dynamodb._update_ttl), ("PointInTimeRecoverySpecification", dynamodb._update_continuous_backups)):
        if prop in props:
            status, _, body = call({"TableName": made[0], prop: props[prop]})
            if status != 200:
                raise ValueError(f"{prop}: {body}")
    return made


handlers["create"] = _create

# Ref of a secret is its name instead of its ARN, which policies go by.
secrets = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
create_secret, delete_secret = secrets["create"], secrets["delete"]


def _create_secret(*args):
    attributes = create_secret(*args)[1]
    return attributes["Arn"], attributes


secrets["create"] = _create_secret
secrets["delete"] = lambda arn, props: delete_secret(arn.rpartition(":")[2][: -len("-xxxxxx")], props)

app.main()
