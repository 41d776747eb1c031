import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire

/// `celeriac restore`: puts back what killed workers of Machinery's queues in Redis had claimed.
struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Give back messages that killed Swift workers of Machinery's queues in Redis had claimed.",
        discussion: """
            A Swift worker does that for its queues by itself; Go workers do not. Messages of workers that live are left: \
            they renew their claims, and so does a worker that was killed less than a minute ago, as far as anybody can \
            tell. Exit status 1 means that such claims are left, 2 that Redis could not be asked, 64 that the command line \
            is wrong.

              celeriac restore --queue machinery_tasks -b redis://localhost
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(name: [.customShort("Q"), .long], help: "The queue. Default: Machinery's default queue.")
    var queue: String?

    @OptionGroup var machinery: MachineryOptions

    @Flag(help: "Print one JSON object, in ASCII.")
    var json = false

    func validate() throws { _ = try connection.brokerURL(or: DialectName.machinery.brokerVariable) }

    func run() async throws {
        let claims: RestoredClaims
        do {
            let server = try machinery.makeServer(connection)
            let name = queue ?? server.configuration.defaultQueue
            claims = try await closing(server.close) { try await server.restoreClaims(of: name) }
        } catch {
            CommandEnvironment.say("Error: \(FailureText.of(error))")
            throw ExitCode(2)
        }
        if json {
            let object: WireObject = ["restored": .int(Int64(claims.restored)), "held": .int(Int64(claims.held))]
            CommandEnvironment.write(try WireJSON.encode(.object(object), style: .python))
        } else {
            CommandEnvironment.write(Array("\(claims.restored) put back, \(claims.held) held".utf8))
        }
        if claims.held > 0 { throw ExitCode(1) }
    }
}
