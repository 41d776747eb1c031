import CeleriacWire
import Foundation
import MachineryWire
import Testing

/// Reads every message, state and group that real Machinery wrote, and writes it again byte for byte.
@Suite struct MachineryCaptureTests {
    /// Messages that were put into the queue by hand, in JSON that Go does not write. They are readable, but have other
    /// bytes than Go's.
    static let handMade: Set<String> = [
        "redis-16b-minimal-message.json", "redis-16c-error-then-20-tasks.json", "redis-16d-badarg-then-20-tasks.json",
        "goredis-16c-error-then-20-tasks.json", "redis-16-malformed-json.json", "amqp-17-retry-with-number-header.json",
    ]

    @Test func theCapturesHoldWhatTheInventoryCounts() throws {
        let url = MachineryCapture.folder.appending(path: "INVENTORY.json")
        let expected = try #require(try WireJSON.decode([UInt8](Data(contentsOf: url))).objectValue)
        #expect(MachineryCapture.all.map(\.name) == Array(expected.keys))
        for capture in MachineryCapture.all {
            var counts = capture.methods
            for (kind, count) in [
                ("signatures", capture.signatures.count), ("states", capture.states.count),
                ("groups", capture.groups.count),
            ] where count > 0 {
                counts[kind] = Int64(count)
            }
            let wanted = (expected[capture.name]?.objectValue ?? [:]).compactMap { key, value in
                value.int64Value.map { (key, $0) }
            }
            #expect(counts == Dictionary(uniqueKeysWithValues: wanted), "\(capture.name)")
        }
    }

    @Test func everySignatureIsReadAndWrittenAgainByteForByte() throws {
        var exact = 0
        var other = 0
        for capture in MachineryCapture.all {
            for bytes in capture.signatures {
                let signature = try MachinerySignature.decode(bytes)
                let again = try signature.encode()
                if again == bytes {
                    exact += 1
                } else {
                    other += 1
                    #expect(
                        Self.handMade.contains(capture.name),
                        "\(capture.name): \(String(decoding: bytes, as: UTF8.self))")
                    // Reading it again gives the same signature.
                    #expect(try MachinerySignature.decode(again) == signature)
                }
            }
        }
        #expect(exact > 500)
        #expect(other > 0)
    }

    @Test func everyStateIsReadAndWrittenAgainByteForByte() throws {
        var count = 0
        for capture in MachineryCapture.all {
            for bytes in capture.states {
                var again = try MachineryTaskState.decode(bytes).encode()
                if capture.name == "redis-06-result-ret_badutf8.json" {
                    // Go writes an escape for a byte that is not text. Reading that gives the character itself.
                    again = Array(String(decoding: again, as: UTF8.self).replacing("\u{fffd}", with: "\\ufffd").utf8)
                }
                #expect(again == bytes, "\(capture.name): \(String(decoding: bytes, as: UTF8.self))")
                count += 1
            }
        }
        #expect(count > 800)
    }

    @Test func everyGroupIsReadAndWrittenAgainByteForByte() throws {
        var count = 0
        for capture in MachineryCapture.all {
            for bytes in capture.groups {
                #expect(try MachineryGroupMeta.decode(bytes).encode() == bytes, "\(capture.name)")
                count += 1
            }
        }
        #expect(count > 20)
    }

    /// Machinery stored these texts for these messages, and Celeriac does the same.
    @Test func badArgumentsGetTheErrorTextsThatGoStored() throws {
        var seen: Set<String> = []
        for capture in MachineryCapture.all
        where capture.name.hasPrefix("redis-15-badarg") || capture.name.hasPrefix("amqp-15") {
            let error = try capture.states.map { try MachineryTaskState.decode($0).error }.last { !$0.isEmpty }
            let message = try #require(capture.signatures.first)
            let signature = try MachinerySignature.decode(message)
            do {
                _ = try signature.convertedArguments()
                // The error in these messages appears only when the task is called, if there is one.
                #expect(error == nil || error?.hasPrefix("reflect: Call") == true, "\(capture.name)")
            } catch {
                seen.insert(error.text)
            }
            if let error, error.hasPrefix("Reflect") { #expect(seen.contains(error), "\(capture.name)") }
        }
        #expect(seen.count == 11)
    }

    /// Signatures that a Go producer sends pass our checks; those that stopped or killed Go workers do not.
    @Test func whatStopsGoWorkersIsRefusedBeforeItIsSent() throws {
        var codes: Set<MachineryWireError.Code> = []
        for capture in MachineryCapture.all {
            let isBad = capture.name.hasPrefix("redis-15") || capture.name.hasPrefix("amqp-15")
            guard let bytes = capture.signatures.first else { continue }
            let signature = try MachinerySignature.decode(bytes)
            if isBad, !Self.passable.contains(capture.name) {
                let error = #expect(throws: MachineryWireError.self, "\(capture.name)") { try signature.validate() }
                if let error { codes.insert(error.code) }
            } else if !isBad, !capture.name.hasPrefix("amqp-17"), !capture.name.hasPrefix("amqp-04b"),
                !capture.name.hasPrefix("redis-16d"), capture.name != "redis-04-full-signature.json"
            {
                #expect(throws: Never.self, "\(capture.name)") { try signature.validate() }
            }
        }
        #expect(codes == [.unsupportedType, .valueMismatch, .valueOutOfRange])
    }

    /// Messages with the wrong number or kinds of arguments, which only the worker can detect, and two that Go accepts.
    private static let passable: Set<String> = [
        "redis-15-badarg-too-few.json", "redis-15-badarg-too-many.json", "redis-15-badarg-type-mismatch.json",
        "redis-15-badarg-bytes-as-array.json", "redis-15-badarg-int-for-float.json", "redis-15-badarg-slice-null.json",
    ]
}
