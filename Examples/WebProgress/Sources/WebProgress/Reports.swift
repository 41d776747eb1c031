import Celeriac

/// The task that the page starts: it builds a report page by page, and says how far it is.
public enum Reports {
    /// Builds a report of so many pages and returns its name.
    public static let build = TaskDefinition<Int, String>("reports.build", parameters: "pages")
    /// The state under which a step is stored.
    static let progress = TaskState(rawValue: "PROGRESS")

    /// How far a report is.
    struct Step: Codable, Sendable {
        var done: Int
        var total: Int
    }

    /// Makes the task's handler.
    ///
    /// - Parameter write: writes a page; by default it takes a quarter of a second.
    /// - Returns: the handler, for a worker.
    public static func handler(
        writing write: @escaping @Sendable (Int) async throws -> Void = { _ in
            try await Task.sleep(for: .milliseconds(250))
        }
    ) -> TaskHandler {
        build.handler { context, pages in
            guard (1...1000).contains(pages) else {
                throw TaskFailure("ValueError", "a report has 1 to 1000 pages")
            }
            for page in 1...pages {
                try await write(page)
                try await context.update(state: progress, value: Step(done: page, total: pages))
            }
            return "report-\(pages).pdf"
        }
    }
}
