import Celeriac
import CeleriacTestKit
import Foundation
import Testing

/// A Swift worker in a process of its own that runs 4 tasks, held by a gate, and has prefetched 20 more.
struct BusyWorker: Sendable {
    let process: LiveWorkerProcess
    /// Where tasks write, when they end, their text and the language that ran them.
    let path: String
    private let site: BrokerSite
    private let gate: String

    static let texts = (10..<34).map { "\($0)" }

    static func start(on site: BrokerSite) async throws -> BusyWorker {
        let busy = BusyWorker(
            process: try await LiveWorkerProcess.start(on: site, concurrency: 4, prefetchMultiplier: 6),
            path: site.folder.path + "/recorded", site: site, gate: site.folder.path + "/gate")
        let held = TaskName<String, String, String, Void>("tasks.held")
        try await site.app.send(
            texts.enumerated().map { held(busy.path, $1, $0 < 4 ? busy.gate : "") },
            options: SendOptions(ignoresResult: true))
        try await until { try await site.messages() == (0, 24) }
        try await until { recorded(busy.path + ".begun").count == 4 }
        return busy
    }

    /// Nothing has ended, and no more than the four that the gate holds has begun.
    func expectNothingEnded() async throws {
        #expect(try await site.messages() == (0, 24))
        #expect(recorded(path + ".begun").sorted() == Self.texts.prefix(4).map { "\($0) swift" })
        #expect(recorded(path).isEmpty)
    }

    /// Lets the four end.
    func letGo() { #expect(FileManager.default.createFile(atPath: gate, contents: nil)) }
}
