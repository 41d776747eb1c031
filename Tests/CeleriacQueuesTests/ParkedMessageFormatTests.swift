import CeleriacCore
import CeleriacQueues
import CeleriacWire
import Testing

import struct FoundationEssentials.Date

@Suite("The record of a parked message")
struct ParkedMessageFormatTests {
    private let format = ParkedMessageFormat(
        style: .python, text: { String($0.timeIntervalSince1970) },
        date: { Double($0).map(Date.init(timeIntervalSince1970:)) })

    private func parked(_ message: [UInt8], time: Date? = Date(timeIntervalSince1970: 12.5)) -> ParkedMessage {
        ParkedMessage(
            id: "1", queue: "q", message: message, reason: "undecodableBody", detail: "it ends", time: time,
            worker: "w@h")
    }

    @Test("is one object that contains the message as text if it is text")
    func text() {
        #expect(
            String(decoding: format.encode(parked(Array("[1]".utf8))), as: UTF8.self)
                == #"{"reason": "undecodableBody", "detail": "it ends", "queue": "q", "worker": "w@h", "time": "12.5", "message": "[1]"}"#
        )
    }

    @Test("preserves every byte", arguments: [[], [0, 255, 128], Array("\u{1F600}\"\\".utf8)])
    func bytes(message: [UInt8]) {
        for time in [nil, Date(timeIntervalSince1970: 1)] {
            let parked = parked(message, time: time)
            #expect(format.decode(format.encode(parked), id: "1", queue: "q") == parked)
        }
    }

    @Test("takes the note that the failure is stored, and keeps all else, also what a later version adds")
    func told() {
        let record = #"{"reason": "r", "time": "12.5", "failure_stored": false, "message": "\u00e9", "more": [1]}"#
        #expect(
            format.told(Array(record.utf8)).map { String(decoding: $0, as: UTF8.self) }
                == #"{"reason": "r", "time": "12.5", "failure_stored": true, "message": "\u00e9", "more": [1]}"#)
        #expect(format.told(Array("[]".utf8)) == nil)
    }

    @Test("is not read from other bytes", arguments: ["", "[]", "{", #"{"reason": "x"}"#, #"{"message": "x"}"#])
    func noRecord(text: String) {
        #expect(format.decode(Array(text.utf8), id: "1", queue: "q") == nil)
    }
}
