#if AMQP

package import CeleriacWire

/// How to reach one AMQP broker, and how to behave there.
package struct AMQPConfiguration: Sendable, Hashable {
    /// Host name or IP address. Default `localhost`.
    package var host: String
    /// TCP port. Default 5672, with TLS 5671.
    package var port: Int
    /// User name. Default `guest`.
    package var user: String
    /// Password. Default `guest`.
    package var password: String
    /// Virtual host. Default `/`.
    package var virtualHost: String
    /// TLS settings; `nil` speaks plain TCP.
    package var tls: AMQPTLS?
    /// How the connection proves who it is. Default user name and password.
    package var authentication: AMQPAuthentication = .plain
    /// Longest silence on the connection, in whole seconds; the broker may lower it. Zero turns heartbeats off.
    /// Default 60 s. A peer that stays silent for twice this time is dead.
    package var heartbeat: Duration = .seconds(60)
    /// Longest time to connect, TLS and AMQP handshakes included. Default 10 s.
    package var connectTimeout: Duration = .seconds(10)
    /// Longest wait for an answer of the broker to a method or to a publish with confirms. Default 60 s.
    package var replyTimeout: Duration = .seconds(60)
    /// Most channels to ask for; the broker may lower it. Default 2047.
    package var channelMax: UInt16 = 2047
    /// Largest frame to ask for, in bytes, at least 4096; the broker may lower it. Default 131,072.
    package var frameMax: UInt32 = 131_072
    /// Largest message body to take from the broker, in bytes. The body of a larger message is dropped as it arrives
    /// and the delivery says so in its `defect`. Default 128 MiB, RabbitMQ's own default.
    package var maximumBodySize: Int = 128 << 20
    /// Name of this connection in the broker's management view and log.
    package var connectionName: String?
    /// Further client properties to present to the broker.
    package var clientProperties: WireObject = [:]

    /// Makes a configuration from its parts; everything has the default of an AMQP URL.
    package init(
        host: String = "localhost",
        port: Int? = nil,
        user: String = "guest",
        password: String = "guest",
        virtualHost: String = "/",
        tls: AMQPTLS? = nil
    ) {
        self.host = host
        self.port = port ?? (tls == nil ? 5672 : 5671)
        self.user = user
        self.password = password
        self.virtualHost = virtualHost
        self.tls = tls
    }
}

extension AMQPConfiguration: CustomStringConvertible {
    /// Host, port and virtual host, without credentials.
    package var description: String {
        "\(tls == nil ? "amqp" : "amqps")://\(host):\(port)/\(virtualHost == "/" ? "" : virtualHost)"
    }
}

extension AMQPConfiguration: CustomDebugStringConvertible {
    /// The same as `description`, so that no dump shows the password.
    package var debugDescription: String { description }
}

extension AMQPConfiguration: CustomReflectable {
    /// Shows no stored property, so that no dump shows the password.
    package var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}

/// How a connection proves who it is (AMQP's SASL mechanisms).
package enum AMQPAuthentication: Sendable, Hashable {
    /// User name and password.
    case plain
    /// The TLS client certificate. RabbitMQ needs its plugin `rabbitmq_auth_mechanism_ssl` for it.
    case external
}

/// How a connection is encrypted and whom it trusts.
package struct AMQPTLS: Sendable, Hashable {
    /// What is checked of the broker's certificate.
    package enum Verification: Sendable, Hashable {
        /// Its chain of trust and that it names the host. The default.
        case full
        /// Its chain of trust only.
        case noHostname
        /// Nothing: anyone can pose as the broker.
        case none
    }

    /// PEM file of the certificate authorities to trust; `nil` trusts those of the system.
    package var caFile: String?
    /// PEM file of the client's certificate chain, leaf first.
    package var certificateFile: String?
    /// PEM file of the client's private key, unencrypted.
    package var keyFile: String?
    /// What is checked of the broker's certificate.
    package var verification: Verification
    /// The name that the broker's certificate must carry; `nil` takes the URL's host.
    package var serverName: String?

    /// Makes TLS settings; without arguments they trust the system's authorities and check everything.
    package init(
        caFile: String? = nil,
        certificateFile: String? = nil,
        keyFile: String? = nil,
        verification: Verification = .full,
        serverName: String? = nil
    ) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.verification = verification
        self.serverName = serverName
    }
}

#endif
