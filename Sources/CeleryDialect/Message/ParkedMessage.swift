import CeleriacCore
import CeleriacWire
import CeleryWire

import struct FoundationEssentials.Date

/// A message that is kept aside, with the reason: what stands in a queue's `.parked` companion.
struct ParkedMessage {
    let payload: [UInt8]
    let fault: MessageFault
    let queue: String
    let worker: String
    let time: Date

    /// One JSON object. The exact bytes stand in `message` where they are UTF-8 text, else in `message_base64`.
    var encoded: [UInt8] {
        var object: WireObject = [
            "reason": .string(fault.reason),
            "detail": .string(fault.detail),
            "queue": .string(queue),
            "worker": .string(worker),
            "time": CeleryTime.text(time).map { .string($0) } ?? .null,
        ]
        if let text = String(validating: payload, as: UTF8.self) {
            object["message"] = .string(text)
        } else {
            object["message_base64"] = .string(Base64.encode(payload))
        }
        return (try? WireJSON.encode(.object(object), style: .python)) ?? []
    }
}
