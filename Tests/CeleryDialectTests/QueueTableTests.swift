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
