#if Redis
import CeleriacTestKit
import Foundation
import Testing

@testable import CeleriacTool

/// A slice of the conformance kit's live tiers, played to this package and to real Celery.
@Suite("The conformance kit beside a real broker", .timeLimit(.minutes(10))) struct ConformTests {
    private static let kit = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Compat/kit").path

    /// A program that the build puts next to the tests.
    private static func built(_ name: String) throws -> String {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: tests).deletingLastPathComponent().appending(path: name).path
    }

    /// Plays the cases whose ids begin so, and expects that all are OK.
    private func play(
        _ role: LiveRole, _ prefixes: [String], _ executable: String, _ arguments: [String],
        dialect: Corpus.Dialect = .celery
    ) async throws {
        let corpus = try Corpus(folder: Self.kit, dialect: dialect, tier: "live-\(role.rawValue)")
        let cases = corpus.chosen(prefixes: prefixes, seed: nil).filter { $0.isPlayed(at: .redis) }
        #expect(cases.count >= prefixes.count)
        let services = try await LiveServices.start(.redis, dialect: dialect)
        var variables = services.variables
        variables["PYTHONDONTWRITEBYTECODE"] = "1"
        variables["C_FORCE_ROOT"] = "1"
        let site = ConformanceSite(
            role: role, dialect: dialect, broker: services.broker, store: services.store,
            launch: { [variables] in
                try LiveProcess(executable, arguments, variables: variables, role: role)
            })
        do {
            let rows = try await LiveRun(site: site).rows(of: cases)
            for row in rows {
                #expect(row.verdict == .ok, "\(row.testCase.id): \(row.verdict.rawValue) \(row.detail ?? "")")
            }
        } catch {
            await services.close()
            throw error
        }
        await services.close()
    }

    private static let ofWorkers = [
        "celery/worker/live/values/mixed", "celery/worker/live/result/published", "celery/worker/live/failure/form",
        "celery/worker/live/retry/succeeds", "celery/worker/live/chain/three", "celery/worker/live/chord/order",
        "celery/worker/live/control/ping", "celery/worker/live/events/succeeded",
        "celery/worker/live/settling/success", "celery/worker/live/malformed/bad-eta",
        "celery/worker/live/stop/running",
    ]
    private static let ofProducers = [
        "celery/producer/live/headers/id", "celery/producer/live/options/countdown",
        "celery/producer/live/canvas/chain", "celery/producer/live/canvas/chord", "celery/producer/live/canvas/link",
    ]
    private static let ofClients = [
        "celery/client/live/get/waits", "celery/client/live/get/after-retry", "celery/client/live/failure/arguments",
        "celery/client/live/control/",
    ]
    private static let ofBeats = [
        "celery/beat/live/headers/", "celery/beat/live/body/", "celery/beat/live/interval/",
    ]
    private static let ofMonitors = ["celery/monitor/live/task/", "celery/monitor/live/form/"]

    @Test("this package does what the kit asks")
    func celeriac() async throws {
        try await play(.worker, Self.ofWorkers, try Self.built("LiveProgram"), ["worker", "--concurrency", "4"])
        let celeriac = try Self.built("celeriac")
        try await play(.producer, Self.ofProducers, celeriac, ["produce"])
        try await play(.client, Self.ofClients, celeriac, ["produce"])
        try await play(.beat, Self.ofBeats, celeriac, ["beat", "--schedule", Self.kit + "/adapters/schedule.yaml"])
        try await play(.monitor, Self.ofMonitors, celeriac, ["events", "--dump"])
        try await play(
            .producer, ["machinery/producer/live/signature/UUID", "machinery/producer/live/canvas/group"], celeriac,
            ["produce"], dialect: .machinery)
    }

    @Test("real Celery does what the kit asks")
    func python() async throws {
        let python = try PythonInstallation.find().interpreter
        let adapter = Self.kit + "/adapters/celery_live.py"
        try await play(.worker, Self.ofWorkers, python, [adapter, "worker", "--pool", "threads"])
        try await play(.producer, Self.ofProducers, python, [adapter, "producer"])
        try await play(.client, Self.ofClients, python, [adapter, "producer"])
        try await play(.beat, Self.ofBeats, python, [adapter, "beat"])
        try await play(.monitor, Self.ofMonitors, python, [adapter, "monitor"])
    }
}
#endif
