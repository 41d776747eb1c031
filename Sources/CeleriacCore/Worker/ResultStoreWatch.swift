import Logging
import Metrics
import NIOConcurrencyHelpers
import Synchronization

import struct FoundationEssentials.Date

/// Watches whether a worker's result store is within reach, and tells of an outage once: in the log, in the gauge
/// `celeriac_result_store_up`, and to whoever asks.
///
/// It watches only what the worker tries again until the store has answered, so an outage never lasts longer than there
/// is somebody who would notice its end. A timer runs only while a call is under way.
final class ResultStoreWatch: Sendable {
    /// Who asks the store. Each has one call under way at a time.
    enum Asker: Int, CaseIterable, Sendable {
        /// Stores states.
        case store
        /// Counts the parts of chords.
        case count
    }
    private struct State {
        var reach = StoreReach(askers: Asker.allCases.count)
        var timer: (any RunningTimer)?
        /// What is told once all that waited is stored; nil while nothing is to be told.
        var homecoming: Homecoming?
        var waitingCount: @Sendable () -> Int = { 0 }
        var onChange: @Sendable () -> Void = {}
    }
    /// The end of an outage.
    private struct Homecoming {
        let seconds: Double
        var stored: Int
        /// How many of the outcomes that waited have not had their turn.
        var left: Int
    }

    private let name: String
    private let pausesWorker: Bool
    private let timers: any TimerSource
    private let logger: Logger
    private let gauge: Gauge
    private let state = NIOLockedValueBox(State())
    private let isComingBack = Atomic(false)

    /// Makes a watch of a store that nobody has asked.
    ///
    /// - Parameters:
    ///   - name: the store's name, without credentials.
    ///   - nodeName: the worker's node name.
    ///   - pausesWorker: whether the worker takes no tasks during an outage, for the log.
    ///   - metrics: where the gauge is; nil for the process's metrics system.
    ///   - timers: where the time comes from.
    ///   - logger: the worker's logger.
    init(
        name: String, nodeName: String, pausesWorker: Bool, metrics: (any MetricsFactory)?, timers: any TimerSource,
        logger: Logger
    ) {
        self.name = name
        self.pausesWorker = pausesWorker
        self.timers = timers
        self.logger = logger
        self.gauge = Gauge(
            label: MetricName.resultStoreUp.rawValue, dimensions: [("worker", nodeName)],
            factory: metrics ?? MetricsSystem.factory)
    }

    /// Begins with a worker's session.
    ///
    /// - Parameters:
    ///   - waitingCount: how many outcomes wait for the store.
    ///   - onChange: called when an outage begins or ends.
    func begin(waitingCount: @escaping @Sendable () -> Int, onChange: @escaping @Sendable () -> Void) {
        state.withLockedValue { state in
            // Nobody asks any more what an earlier session asked.
            state.reach = StoreReach(askers: Asker.allCases.count)
            state.waitingCount = waitingCount
            state.onChange = onChange
        }
        gauge.record(1)
    }

    /// Ends with the session. What is still to be told is told.
    func end() {
        let (timer, homecoming) = state.withLockedValue { state in
            defer {
                state.timer = nil
                state.homecoming = nil
                state.waitingCount = { 0 }
                state.onChange = {}
            }
            return (state.timer, state.homecoming)
        }
        timer?.cancel()
        if let homecoming { log(homecoming) }
    }

    /// Whether the store is out of reach.
    var isOut: Bool { state.withLockedValue { $0.reach.isOut } }

    /// How long the store has been out of reach; nil if it is not.
    var outage: Duration? {
        let now = timers.now
        return state.withLockedValue { $0.reach.outage(now: now) }.map { .seconds($0) }
    }

    /// Returns a pause before a call is tried again, cut so that an outage is noticed in time.
    func cut(_ pause: Duration) -> Duration {
        let now = timers.now
        let longest = state.withLockedValue { $0.reach.longestPause(now: now) }
        return longest.map { min(pause, .seconds($0)) } ?? pause
    }

    // MARK: Watching calls

    /// Makes a call that really asks the store, and notes whether it is answered.
    ///
    /// - Parameters:
    ///   - asker: who asks; nil for a call that is not tried again, whose failure says nothing here.
    ///   - since: since when an answer has been waited for, if somebody had asked before for the same.
    ///   - outcomes: how many outcomes are stored if the call succeeds.
    ///   - writes: whether the call writes. A store that can only be read is not back.
    ///   - call: the call.
    /// - Returns: the answer.
    /// - Throws: the store's error.
    func watching<Value: Sendable>(
        _ asker: Asker?, since: Date? = nil, outcomes: Int = 0, writes: Bool = true,
        _ call: () async throws -> Value
    ) async throws -> Value {
        if let asker { begin(asker, since: since) }
        do {
            let value = try await call()
            if writes {
                answered(asker, outcomes: outcomes)
            } else if let asker {
                note { state, _ in
                    state.reach.end(asker.rawValue)
                    return nil
                }
            }
            return value
        } catch {
            if (error as? CeleriacError)?.mayPassAtStore != true {
                answered(asker, outcomes: 0)
            } else if let asker {
                note { $0.reach.failed(asker.rawValue, reason: "\(error)", now: $1) }
            }
            throw error
        }
    }

    /// Notes an answer that was not watched.
    func wasAnswered() { if isOut { answered(nil, outcomes: 0) } }

    /// Notes that so many outcomes have had their turn at the store, whether it took them or not.
    func passed(_ outcomes: Int) {
        guard isComingBack.load(ordering: .acquiring) else { return }
        let homecoming = state.withLockedValue { state in
            state.homecoming?.left -= outcomes
            guard let homecoming = state.homecoming, homecoming.left <= 0 else { return nil as Homecoming? }
            state.homecoming = nil
            return homecoming
        }
        guard let homecoming else { return }
        isComingBack.store(false, ordering: .releasing)
        log(homecoming)
    }

    private func begin(_ asker: Asker, since: Date?) {
        let now = timers.now
        state.withLockedValue { state in
            state.reach.begin(asker.rawValue, now: min(now, since ?? now))
            schedule(&state, now: now)
        }
    }

    private func answered(_ asker: Asker?, outcomes: Int) {
        if outcomes > 0, isComingBack.load(ordering: .acquiring) {
            state.withLockedValue { $0.homecoming?.stored += outcomes }
        }
        note(outcomes: outcomes) { $0.reach.answered(asker?.rawValue, now: $1) }
    }

    /// Changes the state, and tells what follows.
    private func note(outcomes: Int = 0, _ change: (inout State, Date) -> StoreReach.News?) {
        let now = timers.now
        let (news, idle) = state.withLockedValue { state -> (StoreReach.News?, (any RunningTimer)?) in
            let news = change(&state, now)
            guard state.reach.dueTime == nil else {
                schedule(&state, now: now)
                return (news, nil)
            }
            defer { state.timer = nil }
            return (news, state.timer)
        }
        idle?.cancel()
        if let news { tell(news, outcomes: outcomes) }
    }

    /// Has the store looked at when its time is over, if no timer runs. Called under the lock, so that the timer is
    /// known before it can fire.
    private func schedule(_ state: inout State, now: Date) {
        guard state.timer == nil, let due = state.reach.dueTime else { return }
        let delay = Duration.seconds(max(0.01, due.timeIntervalSince(now)))
        state.timer = timers.schedule(after: delay) { [weak self] in
            self?.note { state, now in
                state.timer = nil
                return state.reach.check(now: now)
            }
        }
    }

    // MARK: Telling

    private func tell(_ news: StoreReach.News, outcomes: Int) {
        let (waitingCount, onChange) = state.withLockedValue { ($0.waitingCount, $0.onChange) }
        let waiting = waitingCount()
        switch news {
        case .lost(let since, let reason):
            let earlier = state.withLockedValue { state in
                defer { state.homecoming = nil }
                return state.homecoming
            }
            if let earlier { log(earlier) }
            gauge.record(0)
            logger.warning(
                pausesWorker
                    ? "the result store is out of reach: outcomes wait until it is back, and no tasks are taken"
                    : "the result store is out of reach: outcomes wait until it is back, each in its place in the window",
                metadata: ["store": "\(name)", "since": "\(since)", "error": "\(reason)", "outcomes": "\(waiting)"])
        case .back(let seconds):
            gauge.record(1)
            state.withLockedValue {
                $0.homecoming = Homecoming(seconds: seconds, stored: outcomes, left: waiting)
            }
            isComingBack.store(true, ordering: .releasing)
            passed(0)
        }
        onChange()
    }

    private func log(_ homecoming: Homecoming) {
        logger.info(
            "the result store is back",
            metadata: [
                "store": "\(name)", "seconds": "\((homecoming.seconds * 10).rounded() / 10)",
                "stored": "\(homecoming.stored)",
            ])
    }
}
