import CeleriacWire
import CeleryWire
import Testing

/// Reads every event that Celery sent, and writes it again byte for byte, also from its parts.
@Suite struct CeleryEventCaptureTests {
    private static let messages = CapturedMessage.all.filter { captured in
        guard captured.kind == .other, let body = try? WireJSON.decode(captured.message.body) else { return false }
        return (body[0] ?? body)["type"] != nil && captured.message.headers["hostname"] != nil
    }

    @Test func eventsAreWrittenAsTheyWereRead() throws {
        var kinds: [String: Int] = [:]
        for captured in Self.messages {
            let events = try CeleryEvent.decode(captured.message)
            let node = try #require(captured.message.headers["hostname"]?.stringValue)
            let isBatch = captured.message.body.first == UInt8(ascii: "[")
            let first = try #require(events.first)
            let again = try isBatch ? CeleryEvent.encode(batch: events, nodeName: node) : first.encode()
            if captured.isCelery4 {
                // This event has the time zone as an integer.
                #expect(try CeleryEvent.decode(again) == events, "\(captured.file)")
            } else {
                #expect(again == captured.message.withoutTransport, "\(captured.file)")
            }
            for event in events { kinds[event.kind.rawValue, default: 0] += 1 }
        }
        let expected = [
            "task-sent": 112, "task-received": 96, "task-started": 94, "task-succeeded": 65, "task-failed": 25,
            "task-retried": 6, "task-revoked": 8, "task-rejected": 2, "worker-online": 5, "worker-heartbeat": 6,
            "worker-offline": 4, "worker-elect": 3, "worker-elect-ack": 3,
        ]
        #expect(kinds == expected)
    }

    @Test func fieldsHaveCelerysNamesAndOrder() throws {
        for event in try Self.messages.flatMap({ try CeleryEvent.decode($0.message) }) {
            guard var rebuilt = Self.rebuild(event) else {
                #expect(event.kind.rawValue.hasPrefix("worker-elect"))
                continue
            }
            if event.fields["root_id"] == nil {
                // Protocol 1 has no workflows.
                rebuilt["root_id"] = .none
                rebuilt["parent_id"] = .none
            }
            #expect(rebuilt == event.fields, "\(event.kind)")
        }
    }

    /// The event's fields, rebuilt from their values.
    private static func rebuild(_ event: CeleryEvent) -> WireObject? {
        let fields = event.fields
        func text(_ name: String) -> String? { fields[name]?.stringValue }
        let id = text("uuid") ?? ""
        switch event.kind {
        case .taskReceived:
            return CeleryEventFields.received(
                id: id, name: text("name") ?? "", args: text("args") ?? "", kwargs: text("kwargs") ?? "",
                rootID: text("root_id"), parentID: text("parent_id"), retries: fields["retries"]?.intValue ?? -1,
                eta: text("eta"), expires: text("expires"))
        case .taskSent:
            return CeleryEventFields.sent(
                id: id, name: text("name") ?? "", args: text("args") ?? "", kwargs: text("kwargs") ?? "",
                rootID: text("root_id"), parentID: text("parent_id"), retries: fields["retries"]?.intValue ?? -1,
                eta: text("eta"), expires: text("expires"), queue: text("queue") ?? "",
                exchange: text("exchange") ?? "-", routingKey: text("routing_key") ?? "")
        case .taskStarted: return CeleryEventFields.started(id: id)
        case .taskSucceeded:
            return CeleryEventFields.succeeded(
                id: id, result: text("result") ?? "", runtime: fields["runtime"]?.doubleValue)
        case .taskFailed, .taskRetried:
            return CeleryEventFields.failed(id: id, exception: text("exception") ?? "", traceback: text("traceback"))
        case .taskRevoked:
            return CeleryEventFields.revoked(
                id: id, isTerminated: fields["terminated"]?.boolValue ?? false,
                signal: fields["signum"]?.intValue.flatMap { Int32(exactly: $0) },
                isExpired: fields["expired"]?.boolValue ?? false)
        case .taskRejected:
            return CeleryEventFields.rejected(id: id, requeue: fields["requeue"]?.boolValue ?? true)
        case .workerOnline, .workerOffline, .workerHeartbeat:
            let software = CeleryEventFields.Software(
                name: text("sw_ident") ?? "", version: text("sw_ver") ?? "", system: text("sw_sys") ?? "")
            guard let active = fields["active"]?.intValue else {
                return CeleryEventFields.requestedHeartbeat(software: software)
            }
            return CeleryEventFields.worker(
                frequency: fields["freq"]?.doubleValue ?? 0, active: active,
                processed: fields["processed"]?.intValue ?? -1,
                loadAverage: fields["loadavg"]?.arrayValue?.compactMap(\.doubleValue) ?? [], software: software)
        default: return nil
        }
    }
}
