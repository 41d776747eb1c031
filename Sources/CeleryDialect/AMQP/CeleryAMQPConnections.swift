#if AMQP
package import CeleriacAMQP
import CeleriacCore
#endif

/// What settings say of the connections to RabbitMQ. What a URL says goes before.
package struct CeleryAMQPConnections: Sendable, Hashable {
    /// `broker_use_ssl`.
    package struct TLS: Sendable, Hashable {
        /// `ca_certs`: a file of the authorities that are trusted; nil for those of the system.
        package var authorities: String?
        /// `certfile`.
        package var certificate: String?
        /// `keyfile`.
        package var key: String?
        /// `cert_reqs`: whether the broker's certificate must be valid.
        package var isVerified = true
        /// Whether the certificate must name the host.
        package var checksHost = true
        /// `server_hostname`: the host that it must name; nil for the URL's.
        package var host: String?

        package init() {}
    }

    /// `broker_connection_timeout`.
    package var timeout: Duration?
    /// `broker_heartbeat`.
    package var heartbeat: Duration?
    /// Whether the client logs in by its certificate: `broker_login_method` is `EXTERNAL`.
    package var usesCertificate = false
    /// `broker_use_ssl`; nil to leave it to the URL.
    package var tls: TLS?
    /// Whether the brokers are tried in another order by each application: `broker_failover_strategy` is `shuffle`.
    package var isShuffled = false
    /// `broker_read_url`: the brokers that workers take tasks from; nil for those that tasks are sent to.
    package var readURL: String?

    package init() {}

    /// The setting that no other broker than RabbitMQ follows; nil if all can be followed by any, or have no effect
    /// there, as in Celery. `broker` is the URL of the broker that tasks are sent to: to take them from there asks for nothing.
    package func settingOfRabbitMQ(besides broker: String) -> String? {
        if tls != nil { return "broker_use_ssl" }
        if let readURL, readURL != broker { return "broker_read_url" }
        return nil
    }
}

#if AMQP
extension CeleryAMQPConnections {
    /// The same for AMQP connections.
    package var defaults: AMQPConnectionDefaults {
        var defaults = AMQPConnectionDefaults()
        defaults.connectTimeout = timeout
        defaults.heartbeat = heartbeat
        defaults.authentication = usesCertificate ? .external : .plain
        if let tls {
            var settings = AMQPTLS(
                caFile: tls.authorities, certificateFile: tls.certificate, keyFile: tls.key, serverName: tls.host)
            if !tls.checksHost { settings.verification = .noHostname }
            if !tls.isVerified { settings.verification = .none }
            defaults.tls = settings
        }
        return defaults
    }
}
#endif
