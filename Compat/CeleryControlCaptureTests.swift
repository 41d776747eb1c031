import CeleriacWire
import CeleryWire
import Testing

/// Reads every remote control request and reply that Celery sent, and writes it again byte for byte.
@Suite struct CeleryControlCaptureTests {
    /// Messages that are neither tasks nor results, chosen by their bodies and headers.
    private static let requests = messages { $0["method"] != nil && $1["clock"] != nil }
    private static let replies = messages { $0.objectValue?.count == 1 && $1.index(forKey: "ticket") != nil }

    private static func messages(where matches: (WireValue, WireObject) -> Bool) -> [CapturedMessage] {
        CapturedMessage.all.filter { captured in
            guard captured.kind == .other, let body = try? WireJSON.decode(captured.message.body) else { return false }
            return matches(body, captured.message.headers)
        }
    }

    @Test func requestsAreWrittenAsTheyWereRead() throws {
        for captured in Self.requests {
            let request = try CeleryControlRequest.decode(captured.message)
            #expect(try request.encode() == captured.message.withoutTransport, "\(captured.file)")
        }
        #expect(Self.requests.count == 123)
        let requests = try Self.requests.map { try CeleryControlRequest.decode($0.message) }
        #expect(Set(requests.map(\.method)) == Self.methods)
        #expect(requests.contains { $0.destination == ["w1@caphost"] })
        #expect(requests.contains { $0.pattern == "w*" && $0.matcher == "glob" })
        #expect(requests.contains { $0.replyTo == nil && $0.ticket == nil })
    }

    @Test func repliesAreWrittenAsTheyWereRead() throws {
        for captured in Self.replies {
            let reply = try CeleryControlReply.decode(captured.message)
            #expect(try reply.encode() == captured.message.withoutTransport, "\(captured.file)")
        }
        #expect(Self.replies.count == 105)
    }

    @Test func tasksAreDescribedAsCeleryDescribesThem() throws {
        var count = 0
        for captured in Self.replies {
            let reply = try CeleryControlReply.decode(captured.message).value
            for item in reply.arrayValue ?? reply.objectValue?.values ?? [] {
                // Lists of active and reserved tasks, of scheduled ones, and `query_task` by id.
                for value in [item, item["request"], item[1]].compactMap({ $0 }) {
                    guard let info = CeleryRequestInfo(value) else { continue }
                    #expect(info.wireValue == value, "\(captured.file)")
                    count += 1
                }
            }
        }
        #expect(count == 15)
    }

    private static let methods: Set<String> = [
        "active", "active_queues", "add_consumer", "autoscale", "cancel_consumer", "clock", "conf", "disable_events",
        "election", "enable_events", "heartbeat", "hello", "memsample", "no_such_cmd", "ping", "pool_grow",
        "pool_restart", "pool_shrink", "query_task", "rate_limit", "registered", "report", "reserved", "revoke",
        "revoke_by_stamped_headers", "revoked", "scheduled", "shutdown", "stats", "time_limit",
    ]
}

extension WireMessage {
    /// The message without the properties that a transport adds.
    var withoutTransport: WireMessage {
        var message = self
        message.properties.other = [:]
        return message
    }
}
