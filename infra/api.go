package main

import (
	"encoding/json"
	"fmt"

	"nexus/pkg/nexus"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// api is the WebSocket API.
type api struct {
	awsapigatewayv2.CfnApi
	host   string // without a stage
	routes []awsapigatewayv2.CfnRoute
}

// callback is where the @connections of a stage are. It is API Gateway's own host even where clients use another, which would take the stage away.
func (a api) callback(stage string) string { return "https://" + a.host + "/" + stage }

func (s *stack) addAPI() {
	s.api.CfnApi = awsapigatewayv2.NewCfnApi(s.Stack, jsii.String("Api"), &awsapigatewayv2.CfnApiProps{
		Name:                     jsii.String(s.Name),
		ProtocolType:             jsii.String("WEBSOCKET"),
		RouteSelectionExpression: jsii.String("$request.body.method"),
	})
	s.api.host = fmt.Sprintf("%s.execute-api.%s.%s", *s.api.Ref(), *s.Region(), *s.UrlSuffix())
}

// routesAtOnce is how many routes CloudFormation makes at a time.
const routesAtOnce = 4

// addRoutes adds a route per route of the bus, all one-way, and an integration per function that serves any: an API has at most 300 of each.
//
// Integrations are made one after another, routes a few at a time: API Gateway takes 10 changes a second from an account, and refuses one of an API that
// another is being made of.
func (s *stack) addRoutes() {
	integrations := map[string]*string{}
	var last awsapigatewayv2.CfnIntegration
	for n, r := range nexus.Routes() {
		if integrations[r.Function] == nil {
			integration := s.integrate(r.Function)
			if last != nil {
				integration.AddResourceDependency(last, nil)
			}
			last, integrations[r.Function] = integration, integration.Ref()
		}
		route := awsapigatewayv2.NewCfnRoute(s.Stack, jsii.String("Route"+title(r.Key)), &awsapigatewayv2.CfnRouteProps{
			ApiId:             s.api.Ref(),
			RouteKey:          jsii.String(r.Key),
			AuthorizationType: jsii.String("NONE"), // sys.login is what authorises
			Target:            jsii.String("integrations/" + *integrations[r.Function]),
		})
		if n >= routesAtOnce {
			route.AddResourceDependency(s.api.routes[n-routesAtOnce], nil)
		}
		s.api.routes = append(s.api.routes, route)
	}
}

// integrate has the API call a function.
func (s *stack) integrate(function string) awsapigatewayv2.CfnIntegration {
	integration := awsapigatewayv2.NewCfnIntegration(s.Stack, jsii.String("Integration"+title(function)), &awsapigatewayv2.CfnIntegrationProps{
		ApiId:           s.api.Ref(),
		IntegrationType: jsii.String("AWS_PROXY"),
		IntegrationUri: jsii.String(fmt.Sprintf("arn:%s:apigateway:%s:lambda:path/2015-03-31/functions/%s/invocations", *s.Partition(), *s.Region(),
			*s.functions[function].AttrArn())),
	})
	// Any stage and route: of this API alone, whose only routes to the function are the stack's.
	s.allowInvoke("Invoke"+title(function), function, "apigateway.amazonaws.com", s.arn("execute-api", *s.api.Ref()+"/*/*"))
	return integration
}

// addStages adds a stage per dialect, and what tells clients where they are. Stages come after the routes, so that a new stack deploys them once and not
// route by route.
func (s *stack) addStages() {
	logs := s.logGroup("LogsApi", "/aws/apigateway/"+s.Name)
	account := s.addAccountLogRole()
	var domain awsapigatewayv2.CfnDomainName
	var before awsapigatewayv2.CfnStage
	if s.Domain != "" {
		domain = s.addDomain()
	}
	for _, name := range nexus.Stages() {
		stage := awsapigatewayv2.NewCfnStage(s.Stack, jsii.String("Stage"+title(name)), &awsapigatewayv2.CfnStageProps{
			ApiId:      s.api.Ref(),
			StageName:  jsii.String(name),
			AutoDeploy: true,
			// Settings without throttles have been seen to set them to 0. Bodies and a metric per route are not logged: they would cost more than the bus.
			DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{ThrottlingRateLimit: jsii.Number(s.Rate), ThrottlingBurstLimit: jsii.Number(s.Burst),
				DataTraceEnabled: false, DetailedMetricsEnabled: false, LoggingLevel: jsii.String("OFF")},
			RouteSettings: s.throttles(),
			// The group's ARN without the :* that CloudFormation puts at its end.
			AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{DestinationArn: jsii.String(s.arn("logs", "log-group:"+*logs.Ref())),
				Format: jsii.String(accessLog())},
		})
		for _, route := range s.api.routes {
			stage.AddResourceDependency(route, nil)
		}
		if account != nil {
			stage.AddResourceDependency(account, nil)
		}
		if before != nil { // each deploys the API, which is allowed once in 5 s
			stage.AddResourceDependency(before, nil)
		}
		before = stage
		host := s.api.host
		if domain != nil {
			host = s.Domain
			awsapigatewayv2.NewCfnApiMapping(s.Stack, jsii.String("Mapping"+title(name)), &awsapigatewayv2.CfnApiMappingProps{ApiId: s.api.Ref(),
				DomainName: domain.Ref(), Stage: stage.Ref(), ApiMappingKey: jsii.String(name)})
			if name == nexus.DefaultStage { // a mapping without a key is that of the path /
				awsapigatewayv2.NewCfnApiMapping(s.Stack, jsii.String("MappingDefault"), &awsapigatewayv2.CfnApiMappingProps{ApiId: s.api.Ref(),
					DomainName: domain.Ref(), Stage: stage.Ref()})
			}
		}
		s.output("Url"+title(name), "wss://"+host+"/"+name, "where clients of the dialect "+name+" connect")
	}
}

// throttles are the settings of those routes whose throttles are not the default, by route key. A route that has settings of its own takes none
// of the stage's, so that all are here. API Gateway refuses those of a route that is not there yet, for which stages wait.
func (s *stack) throttles() map[string]any {
	rest := nexus.Throttle{Rate: s.Rate, Burst: int(s.Burst)}
	settings := map[string]any{}
	for key, t := range nexus.Throttles(rest) {
		if t != rest {
			settings[key] = map[string]any{"ThrottlingRateLimit": t.Rate, "ThrottlingBurstLimit": t.Burst,
				"DataTraceEnabled": false, "DetailedMetricsEnabled": false, "LoggingLevel": "OFF"}
		}
	}
	return settings
}

// accessLog is the form of an access log's line: JSON. It holds no $context.status, which API Gateway refused, and no body.
func accessLog() string {
	line := map[string]string{}
	for name, variable := range map[string]string{"time": "requestTimeEpoch", "request": "requestId", "connection": "connectionId", "event": "eventType",
		"route": "routeKey", "stage": "stage", "ip": "identity.sourceIp", "error": "error.message", "integration": "integrationErrorMessage"} {
		line[name] = "$context." + variable
	}
	text, _ := json.Marshal(line) // strings only
	return string(text)
}

// accountLogRole is the id of the role that addAccountLogRole makes.
const accountLogRole = "AccountLogRole"

// addAccountLogRole lets API Gateway write logs: a setting of the account's region, without which a stage with access logs is refused. Both the setting and
// its role outlive the stack, since other APIs of the region go by them.
func (s *stack) addAccountLogRole() awsapigateway.CfnAccount {
	if !s.AccountLogRole {
		return nil
	}
	role := awsiam.NewCfnRole(s.Stack, jsii.String(accountLogRole), &awsiam.CfnRoleProps{
		Description:              jsii.String("by which API Gateway writes the logs of all APIs of the account's region"),
		AssumeRolePolicyDocument: assumedBy("apigateway.amazonaws.com"),
		// AWS' own policy for this, on all log groups: API Gateway takes no role with less.
		ManagedPolicyArns: &[]any{fmt.Sprintf("arn:%s:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs", *s.Partition())},
	})
	account := awsapigateway.NewCfnAccount(s.Stack, jsii.String("Account"), &awsapigateway.CfnAccountProps{CloudWatchRoleArn: role.AttrArn()})
	for _, r := range []awscdk.CfnResource{role, account} {
		r.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	}
	return account
}

// addDomain adds the host name that clients use. Who owns it makes it a CNAME of the target.
func (s *stack) addDomain() awsapigatewayv2.CfnDomainName {
	domain := awsapigatewayv2.NewCfnDomainName(s.Stack, jsii.String("Domain"), &awsapigatewayv2.CfnDomainNameProps{
		DomainName: jsii.String(s.Domain),
		DomainNameConfigurations: []any{&awsapigatewayv2.CfnDomainName_DomainNameConfigurationProperty{CertificateArn: jsii.String(s.Certificate),
			EndpointType: jsii.String("REGIONAL"), SecurityPolicy: jsii.String("TLS_1_2")}},
	})
	s.output("DomainTarget", *domain.AttrRegionalDomainName(), "what "+s.Domain+" is to be a CNAME of")
	return domain
}
