import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging

/// A beat in virtual time on a broker that records what is sent.
struct BeatBench: Sendable {
    let timers: VirtualTimers
    let broker = RecordingBroker()
    let beat: Beat
    /// How many timers run while the beat sleeps.
    private let idle: Int

    /// Makes a beat that is not yet running.
    ///
    /// - Parameters:
    ///   - entries: the tasks and their schedules, for instance of ``every(_:_:)``.
    ///   - configuration: how the beat works.
    ///   - store: where the beat keeps the last runs.
    ///   - lock: the lock under which the beat sends.
    ///   - timers: the virtual time.
    /// - Throws: ``CeleriacError`` for settings that cannot work.
    init(
        _ entries: [BeatEntry], configuration: BeatConfiguration = BeatConfiguration(),
        store: (any BeatStateStore)? = nil, lock: (any DistributedLock)? = nil, timers: VirtualTimers = VirtualTimers()
    ) throws {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.timers = timers
        idle = lock == nil ? 1 : 3
        let client = TaskClient(
            dialect: PlainDialect(), broker: broker, store: nil,
            configuration: ClientConfiguration(defaultQueue: "q"), timers: timers, logger: logger)
        beat = try Beat(
            client: client, entries: entries, configuration: configuration, lock: lock, store: store, timers: timers,
            executor: nil, logger: logger)
    }

    static func every(_ seconds: Double, _ name: String) throws -> BeatEntry {
        BeatEntry(name, try IntervalSchedule(every: .seconds(seconds)), Signature("tasks.\(name)"))
    }

    /// Runs the beat while `body` runs, then stops it.
    func run<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await beat.run() }
            await beat.leading()
            await asleep()
            let value = try await body()
            beat.stop()
            try await group.waitForAll()
            return value
        }
    }

    /// Lets time pass, and waits until the beat sleeps again.
    func advance(_ seconds: Double) async {
        timers.advance(by: .seconds(seconds))
        await asleep()
    }

    func asleep() async { await until { timers.count >= idle } }
}
