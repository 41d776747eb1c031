import Celeriac
import CeleriacTestKit
import Foundation
import Testing

/// A Swift worker in its own process that runs 4 tasks, held by a gate, and has also claimed a full prefetch.
struct BusyWorker<Site: LiveSite>: Sendable {
    let process: LiveWorkerProcess
    /// The file in which each task records, when it ends, its text and which worker ran it.
    let path: String
    let texts: [String]
    private let site: Site
    private let gate: String

    /// Starts the worker, whose stop may take `stopTimeout` seconds, and waits until it is busy.
    static func start(on site: Site, stopTimeout: Double = 25) async throws -> BusyWorker {
        let busy = BusyWorker(
            process: try await LiveWorkerProcess.start(
                on: site, concurrency: 4, prefetchMultiplier: 6, stopTimeout: stopTimeout),
            path: site.folder.path + "/recorded", texts: (10..<10 + site.window).map { "\($0)" }, site: site,
            gate: site.folder.path + "/gate")
        try await site.app.send(
            busy.texts.enumerated().map { MatrixTasks.held(busy.path, $1, $0 < 4 ? busy.gate : "") },
            options: SendOptions(ignoresResult: true))
        try await until { try await site.messages() == (0, site.window) }
        await until { recorded(busy.path + ".begun").count == 4 }
        return busy
    }

    /// The texts of the four held tasks, as this worker records them.
    var held: [String] { texts.prefix(4).map { "\($0) swift" } }

    /// Expects that no task has ended, and that only the four held tasks have started.
    func expectNothingEnded() async throws {
        #expect(try await site.messages() == (0, site.window))
        #expect(recorded(path + ".begun").sorted() == held)
        #expect(recorded(path).isEmpty)
    }

    /// Lets the four held tasks end.
    func letGo() { #expect(FileManager.default.createFile(atPath: gate, contents: nil)) }
}
