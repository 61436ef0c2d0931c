"""The keys of FlyteAdmin's configuration at v1.16.8: the json tags of the sections that it registers.

Source: flyteadmin/pkg/runtime/interfaces, pkg/config, auth/config; flytestdlib database, storage, logger, otelutils,
profutils. A line is a section and the keys in it; lists and maps stand for what they hold.
"""

from collections.abc import Iterator

_BY_SECTION = """
flyteadmin: roleNameKey metricsScope metricsKeys profilerPort metadataStoragePrefix eventVersion asyncEventsBufferSize
flyteadmin: maxParallelism labels annotations interruptible overwriteCache assumableIamRole k8sServiceAccount
flyteadmin: outputLocationPrefix useOffloadedWorkflowClosure envs consoleUrl useOffloadedInputs
flyteadmin: injectIdentityAnnotations identityAnnotationPrefix identityAnnotationKeys
flyteadmin.featureGates: enableArtifacts
scheduler: profilerPort reconnectAttempts reconnectDelaySeconds
scheduler.eventScheduler: scheme region scheduleRole targetName scheduleNamePrefix local
scheduler.eventScheduler.aws: region scheduleRole targetName scheduleNamePrefix
scheduler.workflowExecutor: scheme region scheduleQueueName accountId
scheduler.workflowExecutor.aws: region scheduleQueueName accountId
scheduler.workflowExecutor.local: useUTCTz
scheduler.workflowExecutor.local.adminRateLimit: tps burst
remoteData: scheme region maxSizeInBytes inlineEventDataPolicy
remoteData.signedUrls: enabled durationMinutes signingPrincipal
notifications: type region reconnectAttempts reconnectDelaySeconds
notifications.aws: region
notifications.gcp: projectId
notifications.publisher: topicName
notifications.processor: queueName accountId
notifications.emailer: subject sender body
notifications.emailer.emailServerConfig: serviceName apiKeyEnvVar apiKeyFilePath smtpServer smtpPort smtpSkipTLSVerify
notifications.emailer.emailServerConfig: smtpUsername smtpPasswordSecretName
externalEvents: enable type reconnectAttempts reconnectDelaySeconds
externalEvents.aws: region
externalEvents.gcp: projectId
externalEvents.eventsPublisher: topicName eventTypes enrichAllWorkflowEventTypes
cloudEvents: enable type reconnectAttempts reconnectDelaySeconds cloudEventVersion
cloudEvents.aws: region
cloudEvents.gcp: projectId
cloudEvents.kafka: version brokers
cloudEvents.kafka.saslConfig: enabled user password passwordPath handshake mechanism
cloudEvents.kafka.tlsConfig: enabled insecureSkipVerify certPath keyPath
cloudEvents.nats: servers
cloudEvents.nats.userAuthentication: enabled user password
cloudEvents.nats.tokenAuthentication: enabled token
cloudEvents.eventsPublisher: topicName eventTypes enrichAllWorkflowEventTypes
domains: id name
clusters: labelClusterMap defaultExecutionLabel
clusters.clusterConfigs: name endpoint enabled inCluster
clusters.clusterConfigs.auth: tokenPath certPath
clusters.clusterConfigs.kubeClientConfig: qps burst timeout
clusterPools: clusterPoolAssignments
cluster_resources: templatePath templateData refreshInterval customData standaloneDeployment
queues.executionQueues: dynamic attributes
queues.workflowConfigs: domain tags
namespace_mapping: mapping template
qualityOfService: tierExecutionValues defaultTiers
registration: maxWorkflowNodes maxLabelEntries maxAnnotationEntries workflowSizeLimit
task_resources.defaults: cpu gpu memory ephemeralStorage
task_resources.limits: cpu gpu memory ephemeralStorage
task_type_whitelist:
server: httpPort grpcPort grpcServerReflection kube-config master readHeaderTimeoutSeconds
server: gracefulShutdownTimeoutSeconds
server.security: secure useAuth insecureCookieHeader allowCors allowedOrigins allowedHeaders
server.security.ssl: certificateFile keyFile
server.grpc: port serverReflection maxMessageSizeBytes enableGrpcLatencyMetrics maxConcurrentStreams
server.dataProxy.upload: maxExpiresIn defaultFileNameLength storagePrefix
server.dataProxy.download: maxExpiresIn
server.kubeClientConfig: qps burst timeout
auth: httpAuthorizationHeader grpcAuthorizationHeader disableForHttp disableForGrpc authorizedUris httpProxyURL
auth.userAuth: redirectUrl httpProxyURL cookieHashKeySecretName cookieBlockKeySecretName idpQueryParameter
auth.userAuth.openId: clientId clientSecretName clientSecretFile baseUrl issuerUrl scopes
auth.userAuth.cookieSetting: sameSitePolicy domain
auth.appAuth: authServerType
auth.appAuth.selfAuthServer: issuer accessTokenLifespan refreshTokenLifespan authorizationCodeLifespan staticClients
auth.appAuth.selfAuthServer: claimSymmetricEncryptionKeySecretName tokenSigningRSAKeySecretName
auth.appAuth.selfAuthServer: oldTokenSigningRSAKeySecretName
auth.appAuth.externalAuthServer: baseUrl allowedAudience metadataUrl httpProxyURL retryAttempts retryDelay
auth.appAuth.thirdPartyConfig.flyteClient: clientId redirectUri scopes audience
database: host port dbname username password passwordPath options debug enableForeignKeyConstraintWhenMigrating
database: maxIdleConnections maxOpenConnections connMaxLifeTime
database.postgres: host readReplicaHost port dbname username password passwordPath options debug
database.sqlite: file
logger: show-source mute level
logger.formatter: type
otel: type
otel.file: filename
otel.jaeger: endpoint
otel.otlpgrpc: endpoint
otel.otlphttp: endpoint
otel.sampler: parentSampler traceIdRatio
prof:
storage: type container enable-multicontainer
storage.connection: endpoint auth-type access-key secret-key region disable-ssl
storage.stow: kind config
storage.cache: max_size_mbs target_gc_percent
storage.limits: maxDownloadMBs
storage.defaultHttpClient: headers timeout
storage.signedUrl: stowConfigOverride
"""


def paths() -> Iterator[str]:
    """Yield the path of each key: "server.grpc.port"."""
    for line in _BY_SECTION.strip().splitlines():
        section, _, keys = line.partition(":")
        yield from (f"{section}.{key}" for key in keys.split()) if keys.strip() else [section]
