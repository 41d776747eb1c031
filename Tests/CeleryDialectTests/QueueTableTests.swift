import CeleriacCore
import CeleriacWire
import Testing

@testable import CeleryDialect

/// The queues that an application knows.
@Suite("Table of queues") struct QueueTableTests {
    @Test("a queue is known by its name and its alias, and looking makes none")
    func known() throws {
        let table = QueueTable([.broadcast("news", queue: "mine"), "math"])
        #expect(table.known("news")?.name == "mine" && table.known("mine")?.name == "mine")
        #expect(table.known("math")?.bindings.first?.routingKey == "math")
        #expect(table.known("other") == nil && table.names == ["math", "mine"])
        #expect(table.queue("other")?.name == "other" && table.known("other") != nil)
    }

    @Test("queues behind exchanges that kombu has at RabbitMQ alone are told apart, unless others declare them")
    func virtualExchanges() throws {
        func queue(_ type: String, isDeclared: Bool = true) -> TaskQueue {
            let binding = TaskQueue.Binding(TaskQueue.Exchange("docs", type: type), arguments: ["x-match": "any"])
            return TaskQueue("q", bindings: [binding], isDeclared: isDeclared)
        }
        let message = OutgoingMessage(message: WireMessage(), exchange: "docs", routingKey: "", declaredQueue: "q")
        for type in ["direct", "topic", "fanout"] {
            let table = QueueTable([queue(type)])
            try table.checkVirtual(["q"])
            #expect(!table.needsRabbitMQ && table.virtualRefusal(of: message) == nil, "\(type)")
        }
        let table = QueueTable([queue("headers"), "plain"])
        #expect(table.needsRabbitMQ && table.virtualRefusal(of: message)?.code == .unsupported)
        let plain = OutgoingMessage(message: WireMessage(), routingKey: "plain", declaredQueue: "plain")
        #expect(table.virtualRefusal(of: plain) == nil)
        try table.checkVirtual(["plain"])
        let error = #expect(throws: CeleriacError.self) { try table.checkVirtual(["plain", "q"]) }
        #expect(error?.code == .configuration && error?.message.contains("of type headers") == true)
        try QueueTable([queue("headers", isDeclared: false)]).checkVirtual(["q"])
    }

    @Test("a regular expression is a pattern of task names, without flags")
    func patterns() throws {
        var remarks = SettingRemarks()
        let routes = try RouteSettings.routes([#"re.compile('a\\.[bc]')"#: "letters"], &remarks)
        #expect(routes.route(of: "a.b.c")?.queue == "letters" && routes.route(of: "axb") == nil)
        let error = #expect(throws: CeleriacError.self) {
            try RouteSettings.routes(["re.compile('a', re.IGNORECASE)": "letters"], &remarks)
        }
        #expect(error?.message.contains("re.IGNORECASE") == true, "\(error?.message ?? "")")
    }
}
