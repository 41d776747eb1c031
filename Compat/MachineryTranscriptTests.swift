import CeleriacWire
import Foundation
import MachineryWire
import Testing

/// The recordings of `interop/go/run`, in which the Swift peer and real Go Machinery ran each other's tasks: the
/// messages of the sender and the states of the worker, as Redis got both.
@Suite struct MachineryTranscriptTests {
    /// One run.
    private struct Transcript {
        var messages: [[UInt8]] = []
        var states: [String: [UInt8]] = [:]

        init(_ name: String) throws {
            let url = MachineryCapture.folder.appending(path: "live/\(name).monitor")
            for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") {
                let arguments = try #require(MonitorLine.arguments(String(line)))
                let command = arguments.first.map { String(decoding: $0, as: UTF8.self).lowercased() }
                if command == "set", arguments.count > 2 {
                    states[String(decoding: arguments[1], as: UTF8.self)] = arguments[2]
                } else {
                    messages.append(try #require(arguments.last))
                }
            }
        }
    }

    static let runs = ["go-to-swift", "swift-to-go"]

    @Test(arguments: runs) func messagesAndStatesAreReadAndWrittenAgainByteForByte(_ name: String) throws {
        let transcript = try Transcript(name)
        #expect(transcript.messages.count > 100)
        #expect(transcript.states.count > 100)
        for message in transcript.messages {
            let again = try MachinerySignature.decode(message).encode()
            #expect(again == message, "\(String(decoding: message, as: UTF8.self))")
        }
        for state in transcript.states.values {
            let again = try MachineryTaskState.decode(state).encode()
            #expect(again == state, "\(String(decoding: state, as: UTF8.self))")
        }
    }

    /// Tasks that return their argument give back exactly what the other side sent: every type, to its last digit.
    @Test(arguments: runs) func theOtherSideGaveBackWhatItGot(_ name: String) throws {
        let transcript = try Transcript(name)
        var types: Set<String> = []
        for message in transcript.messages {
            let signature = try MachinerySignature.decode(message)
            guard signature.name.hasPrefix("echo_"), let argument = signature.args?.first,
                signature.args?.count == 1, signature.name != "echo_header"
            else { continue }
            let state = try MachineryTaskState.decode(try #require(transcript.states[signature.uuid]))
            // The Go producer sends these only to Swift workers, which must refuse them.
            if state.state == "FAILURE" { continue }
            let result = try #require(state.results?.first)
            #expect(result.type == (argument.type == "[]byte" ? "[]uint8" : argument.type))
            // A nil slice comes back empty.
            #expect(result.value == (argument.value == .null ? [] : argument.value), "\(signature.name)")
            types.insert(argument.type)
        }
        // In Swift, []byte and []uint8 are the same type.
        #expect(types.count == (name == "go-to-swift" ? 29 : 28))
    }
}
