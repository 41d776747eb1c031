/// Whether a beat works, for whoever keeps it running: it has to look at its schedule now and then.
package struct BeatHealth: HealthSubject {
    package let nodeName: String
    package let executor: any TaskExecutor
    /// A beat's steps are not counted: how long ago it has looked says as much.
    package let progress = LoopProgress()
    private let maximumAge: Duration?
    private let age: @Sendable () -> Duration?

    /// Makes the health of a beat.
    ///
    /// - Parameters:
    ///   - beat: the beat.
    ///   - nodeName: the name under which answers speak of it.
    ///   - maximumAge: how long ago the beat may have looked at its schedule, nil for ever.
    package init(_ beat: Beat, nodeName: String, maximumAge: Duration?) {
        self.init(nodeName: nodeName, executor: beat.executor, maximumAge: maximumAge) { beat.timeSinceLook }
    }

    init(
        nodeName: String, executor: (any TaskExecutor)?, maximumAge: Duration?, age: @escaping @Sendable () -> Duration?
    ) {
        self.nodeName = nodeName
        self.executor = executor ?? globalConcurrentExecutor
        self.maximumAge = maximumAge
        self.age = age
    }

    /// Why it sends nothing; empty if it does, or if another beat holds the lock and this one would take over.
    package func reasonsNotReady(within patience: Duration, timers: any TimerSource) async -> [String] {
        guard let passed = age() else { return ["the beat has not begun: it has not looked at its schedule yet"] }
        guard let maximumAge, passed > maximumAge else { return [] }
        return ["the beat has not looked at its schedule for \(Int(passed.seconds)) s"]
    }
}
