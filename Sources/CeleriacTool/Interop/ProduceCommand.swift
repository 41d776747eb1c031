import ArgumentParser
import CeleriacCommand
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging

/// `celeriac produce`: Swift as a producer of the producers' protocol, for test runners other than `celeriac interop`.
struct ProduceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "produce",
        abstract: "Send tasks and read results as lines of JSON on standard input say.",
        discussion: """
            One question a line, one answer a line, in order, until the end of input. The broker and the result store \
            are those of CELERY_BROKER_URL and CELERY_RESULT_BACKEND, or Machinery's of BROKER and RESULT_BACKEND.

              echo '{"op": "send", "task": "tasks.add", "args": [2, 3]}' | celeriac produce

            The page CrossLanguageTests of the documentation has all questions.
            """)

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        let isMachinery = environment["CELERY_BROKER_URL"] == nil
        guard let broker = environment["CELERY_BROKER_URL"] ?? environment["BROKER"] else {
            CommandEnvironment.say("Error: no broker: set CELERY_BROKER_URL, or for Machinery BROKER")
            throw ExitCode(64)
        }
        var logger = Logger(label: "celeriac") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let producer = try LineProducer(
            machinery: isMachinery, broker: broker,
            results: environment[isMachinery ? "RESULT_BACKEND" : "CELERY_RESULT_BACKEND"], logger: logger)
        while let line = readLine() {
            CommandEnvironment.write(line: CommandOutput.json(await Self.answer(line, by: producer)))
        }
        await producer.close()
    }

    private static func answer(_ line: String, by producer: LineProducer) async -> WireValue {
        do {
            return await producer.answer(try WireJSON.decode(Array(line.utf8)))
        } catch {
            return ["failed": ["type": "WireError", "message": .string("\(error)")]]
        }
    }
}
