import CeleryDialect

/// The version that `--version` and `report` tell.
package enum CommandVersion {
    /// This software's version.
    static var number: String { ProcessFacts.version }

    /// The version of Celery whose formats and commands are spoken.
    static let celery = "5.7"

    /// The line of `--version`.
    package static var line: String { "\(number) (Celery \(celery))" }

    /// The parts that the build has.
    static var traits: [String] {
        var traits: [String] = []
        #if AMQP
        traits.append("AMQP")
        #endif
        #if Redis
        traits.append("Redis")
        #endif
        #if Compression
        traits.append("Compression")
        #endif
        #if Signing
        traits.append("Signing")
        #endif
        return traits
    }
}
