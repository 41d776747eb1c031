import ArgumentParser
import Celeriac
import CeleriacWire
import CeleryWire
import MachineryWire

/// `celeriac decode`: shows the content of a message.
struct DecodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decode",
        abstract: "Read one message from standard input and print its content as one JSON object.",
        discussion: ProgramContext.naming(
            """
            The message is an envelope from a Redis list or from a file of the filesystem transport, or an AMQP \
            message in the form {"properties": {…}, "headers": {…}, "body_base64": "…"}.

            A message of Machinery, from a Redis list or in the same AMQP form, gives "dialect": "machinery" and the \
            signature's 19 fields.

            All keys are always present, with null for what the message lacks. An undecodable message gives a named \
            error on standard error and exit status 1.

              redis-cli --raw lindex celery 0 | celeriac decode
            """))

    /// It prints JSON in any case. The flag is there so that `--json` can stand behind every verb.
    @OptionGroup var printing: OutputOptions

    func run() async throws {
        do {
            let input = CommandEnvironment.readInput()
            let description =
                if let signature = MachineryInput.signature(in: input) {
                    try MachinerySignature.describe(signature)
                } else {
                    try CeleryTaskMessage.describe(input, limits: .celery)
                }
            // A level deeper than in the message.
            let depth = WireLimits.celery.maximumDepth + 8
            CommandEnvironment.write(
                try WireJSON.encode(.object(description), style: .python, nonFinite: .allow, maximumDepth: depth))
        } catch {
            CommandEnvironment.say("\(error)")
            throw ExitCode(1)
        }
    }
}

/// Tells Machinery's messages from Celery's.
enum MachineryInput {
    /// The bytes of a signature: the input itself, or the body of an AMQP message; nil for anything else.
    static func signature(in input: [UInt8]) -> [UInt8]? {
        guard case .object(let object)? = try? WireJSON.decode(input, limits: limits, reading: .go) else { return nil }
        if case .string(let text)? = object["body_base64"] {
            guard object["headers"]?["task"] == nil, let body = try? Base64.decode(text),
                case .object(let inner)? = try? WireJSON.decode(body, limits: limits, reading: .go), isSignature(inner)
            else { return nil }
            return body
        }
        return isSignature(object) ? input : nil
    }

    /// Each link of a chain is nested in the previous one.
    private static var limits: WireLimits {
        var limits = WireLimits.default
        limits.maximumDepth = 400
        return limits
    }

    /// A signature has a name. An envelope has a body, and a message of Celery's protocol 1 has a `task`.
    private static func isSignature(_ object: WireObject) -> Bool {
        let keys = Set(object.keys.map { $0.lowercased() })
        return keys.contains("name") && !keys.contains("body") && !keys.contains("task")
    }
}
