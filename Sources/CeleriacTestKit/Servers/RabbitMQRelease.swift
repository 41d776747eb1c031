import Foundation

/// Which RabbitMQ a private broker runs.
public enum RabbitMQRelease: String, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// The one that the system has installed.
    case installed
    /// A 4.0, unpacked by `Scripts/rabbitmq`.
    case v40 = "4.0"
    /// A 4.3, unpacked by `Scripts/rabbitmq`.
    case v43 = "4.3"

    /// Those whose programs are there.
    public static var available: [RabbitMQRelease] { allCases.filter { $0.isAvailable } }

    /// What brokers run that ask for no release: the one that `CELERIAC_RABBITMQ` in the environment names, or else the
    /// system's.
    ///
    /// - Throws: ``TestKitError`` with code `missingProgram` if the environment names an unknown release.
    static func preferred() throws(TestKitError) -> RabbitMQRelease {
        guard let name = ProcessInfo.processInfo.environment["CELERIAC_RABBITMQ"], !name.isEmpty else {
            return .installed
        }
        guard let release = RabbitMQRelease(rawValue: name) else {
            let names = allCases.map(\.rawValue).joined(separator: ", ")
            throw TestKitError(
                .missingProgram, "CELERIAC_RABBITMQ is '\(name)', which is no known release; name one of \(names)")
        }
        return release
    }

    /// The release's name, for the tests' descriptions.
    public var description: String { self == .installed ? "the system's RabbitMQ" : "RabbitMQ \(rawValue)" }

    private var isAvailable: Bool {
        guard let folder else { return true }
        return FileManager.default.isExecutableFile(atPath: folder + "/usr/lib/rabbitmq/bin/rabbitmq-server")
    }

    /// The folder that has the release and its Erlang; nil for the system's.
    private var folder: String? {
        if self == .installed { return nil }
        return URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path + "/.peers/rabbitmq-\(rawValue)"
    }

    /// The path of one of its programs.
    ///
    /// - Throws: ``TestKitError`` with code `missingProgram`.
    func program(_ name: String) throws(TestKitError) -> String {
        guard let folder else {
            // Debian's /usr/sbin/rabbitmq-server switches to the user rabbitmq; the script that it wraps does not.
            let isErlangs = name == "epmd"
            return try Program.find(
                name, in: isErlangs ? [] : ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin"],
                install: isErlangs ? "Erlang, the package erlang-base" : "the package rabbitmq-server")
        }
        for place in ["rabbitmq/bin", "erlang/bin"] {
            let path = "\(folder)/usr/lib/\(place)/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        throw TestKitError(.missingProgram, "\(self) is not in \(folder); run Scripts/rabbitmq")
    }

    /// What its programs need in their environment to find its Erlang.
    var environment: [String: String] {
        guard let folder else { return [:] }
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return ["PATH": "\(folder)/usr/lib/erlang/bin:\(path)"]
    }

    /// Lines for `rabbitmq.conf` that make Debian's build behave as RabbitMQ's own.
    var configuration: [String] {
        switch self {
        // Debian permits them: its patch do-not-deprecate-transient_nonexcl_queues.
        case .v43: ["deprecated_features.permit.transient_nonexcl_queues = false"]
        case .installed, .v40: []
        }
    }
}
