import ArgumentParser
import Celeriac

/// `celeriac decode`: shows what a message says.
struct DecodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Read one message on standard input and print what it says as one JSON object.",
        discussion: """
            The message is an envelope as it lies in a Redis list or in a file of the filesystem transport, or an AMQP \
            message in the form {"properties": {…}, "headers": {…}, "body_base64": "…"}.

            A message of Machinery, as it lies in a Redis list or in the same AMQP form, gives "dialect": "machinery" and the \
            signature's 19 fields.

            All keys are always there, null where the message has none. A message that cannot be decoded gives a named \
            error on standard error and exit status 1.

              redis-cli --raw lindex celery 0 | celeriac decode
            """)

    func run() async throws {
        do {
            let input = CommandEnvironment.readInput()
            let description =
                if let signature = MachineryInput.signature(in: input) {
                    try MachinerySignature.describe(signature)
                } else {
                    try CeleryTaskMessage.describe(input)
                }
            CommandEnvironment.write(try WireJSON.encode(.object(description), style: .python, nonFinite: .allow))
        } catch {
            CommandEnvironment.say("\(error)")
            throw ExitCode(1)
        }
    }
}
