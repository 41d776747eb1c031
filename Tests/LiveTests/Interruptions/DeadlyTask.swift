import CeleriacTestKit
import Foundation
import Testing

/// Launches one worker after the other until `isDone`, each of which a task named `poison` kills, and expects that it
/// begins six times, once uncounted, and that the tasks beside it end.
///
/// - Parameters:
///   - path: the file in which tasks record that they ended.
///   - texts: what the tasks beside it record.
///   - launch: launches a worker.
///   - isParked: whether the deadly task is parked.
/// - Throws: what `launch` and `isParked` throw; `ExpectationFailedError` if a worker ends in another way.
func expectDeaths(
    recordedAt path: String, beside texts: [String], launch: () throws -> LiveWorkerProcess,
    isParked: () async throws -> Bool
) async throws {
    var deaths = 0
    while deaths < 8, !Task.isCancelled {
        let worker = try launch()
        try await until {
            if worker.child.status != nil { return true }
            return try await isParked() && Set(recorded(path)).count == texts.count
        }
        guard worker.child.status != nil else {
            #expect(await worker.stop() == .exited(0), "\(worker.logged)")
            break
        }
        try #require(worker.child.status == .signalled(SIGKILL), "\(worker.logged)")
        deaths += 1
    }
    // Its first beginning was not counted, five were.
    #expect(deaths == 6)
    #expect(recorded(path + ".begun").filter { $0 == "poison swift" }.count == 6)
    #expect(Set(recorded(path)) == Set(texts.map { "\($0) swift" }))
}
