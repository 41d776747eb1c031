#if AMQP

package import CeleriacCore
package import CeleriacWire

/// The address of one AMQP broker, and the settings of connections to it.
package struct AMQPConfiguration: Sendable, Hashable {
    /// Host name or IP address. The default is `localhost`.
    package var host: String
    /// TCP port. The default is 5672, or 5671 with TLS.
    package var port: Int
    /// User name. The default is `guest`.
    package var user: String
    /// Password. The default is `guest`.
    package var password: String
    /// The file whose first line is the password. It is read for each connection, so that its content can change; nil for
    /// the ``password`` that stands here.
    package var passwordFile: String?
    /// Virtual host. The default is `/`.
    package var virtualHost: String
    /// TLS settings; `nil` for plain TCP.
    package var tls: AMQPTLS?
    /// The authentication mechanism. The default is user name and password.
    package var authentication: AMQPAuthentication = .plain
    /// Longest silence on the connection, in whole seconds; the broker may lower it. Zero turns heartbeats off. The
    /// default is 60 s. A peer that stays silent for twice this time is considered dead.
    package var heartbeat: Duration = .seconds(60)
    /// Time limit for connecting, including the TLS and AMQP handshakes. The default is 10 s.
    package var connectTimeout: Duration = .seconds(10)
    /// Time limit for the broker's answer to a method or to a publish with confirms. The default is 60 s.
    package var replyTimeout: Duration = .seconds(60)
    /// Number of channels to request; the broker may lower it. The default is 2047.
    package var channelMax: UInt16 = 2047
    /// Frame size to request, in bytes, at least 4096; the broker may lower it. The default is 131,072.
    package var frameMax: UInt32 = 131_072
    /// Largest message body to accept from the broker, in bytes. The body of a larger message is dropped as it arrives,
    /// and the delivery's `defect` says so. The default is 128 MiB, as in RabbitMQ.
    package var maximumBodySize: Int = 128 << 20
    /// The connection's name in the broker's management view and log.
    package var connectionName: String?
    /// Additional client properties to send to the broker.
    package var clientProperties: WireObject = [:]

    /// Creates a configuration from its parts. The defaults are those of an AMQP URL.
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

extension AMQPConfiguration {
    /// The same with the password that holds now.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if the file of the password cannot be read.
    func withCurrentPassword() throws(CeleriacError) -> AMQPConfiguration {
        guard let passwordFile else { return self }
        var current = self
        current.password = try SecretFile.read(passwordFile)
        return current
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

/// The authentication mechanism of a connection (AMQP's SASL mechanisms).
package enum AMQPAuthentication: Sendable, Hashable {
    /// User name and password.
    case plain
    /// The TLS client certificate. RabbitMQ needs its plugin `rabbitmq_auth_mechanism_ssl` for this.
    case external
}

/// The encryption of a connection, and the certificates that it trusts.
package struct AMQPTLS: Sendable, Hashable {
    /// PEM file of the trusted certificate authorities; `nil` for the system's.
    package var caFile: String?
    /// PEM file of the client's certificate chain, leaf first.
    package var certificateFile: String?
    /// PEM file of the client's private key, unencrypted.
    package var keyFile: String?
    /// How the broker's certificate is verified.
    package var verification: TLSVerification
    /// The name that the broker's certificate must carry; `nil` for the URL's host.
    package var serverName: String?

    /// Creates TLS settings. Without arguments, they trust the system's authorities and verify everything.
    package init(
        caFile: String? = nil,
        certificateFile: String? = nil,
        keyFile: String? = nil,
        verification: TLSVerification = .full,
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
