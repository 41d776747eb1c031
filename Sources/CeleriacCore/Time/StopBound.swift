import NIOConcurrencyHelpers
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Bounds how long somebody waits for work that was asked to stop.
///
/// Structured concurrency waits for all that it began, and a server that neither answers nor hangs up can make that
/// wait long. So the work runs in a Swift task of its own, which is let go once its time is over. It goes on in the
/// background while the process lives; if the process ends, what it held comes back as after a crash.
struct StopBound: Sendable {
    /// Opens when the stop begins.
    let stopping: Gate
    /// How long the stop may take in all.
    let limit: Duration
    /// The signals that end the wait if one comes while a graceful shutdown is under way.
    let signals: [UnixSignal]
    let timers: any TimerSource
    /// Where the work runs.
    let executor: (any TaskExecutor)?
    /// Cancels what the work would still wait for by itself. Called once four fifths of the limit are over, when the
    /// caller is cancelled, or at a signal. It returns whether anything is worth the rest of the time; otherwise the work is
    /// let go within a second.
    var cutShort: @Sendable () -> Bool = { true }

    /// Runs `work`. The cancellation of the caller does not reach it: it begins the stop.
    ///
    /// - Parameter work: the work, which ends some time after ``stopping`` has opened.
    /// - Returns: whether the work has ended; false once it is let go.
    /// - Throws: the work's error.
    func run(_ work: @escaping @Sendable () async throws -> Void) async throws -> Bool {
        let (isOver, isShuttingDown) = (Gate(), Gate())
        let running = NIOLockedValueBox<[any RunningTimer]>([])
        let schedule: @Sendable (Duration, @escaping @Sendable () -> Void) -> Void = { delay, action in
            let timer = timers.schedule(after: delay, action)
            running.withLockedValue { $0.append(timer) }
        }
        let hasten: @Sendable (Duration) -> Void = { rest in
            let isWorthIt = cutShort()
            schedule(isWorthIt ? rest : min(rest, .seconds(1))) { isOver.open() }
        }
        let lastPart = limit / 5
        let stopped = stopping.onOpen { schedule(limit - lastPart) { hasten(lastPart) } }
        let impatience = Task(executorPreference: executor) {
            guard (try? await isShuttingDown.waitUnlessCancelled()) != nil else { return }
            for await _ in await UnixSignalsSequence(trapping: signals.filter(\.isHandled)) {
                // Messages that can be given back at once are worth a moment: they may otherwise wait for hours.
                hasten(min(lastPart, .seconds(1)))
            }
        }
        defer {
            stopping.forget(stopped)
            impatience.cancel()
            for timer in running.withLockedValue({ $0 }) { timer.cancel() }
        }
        return try await withGracefulShutdownHandler {
            try await withTaskCancellationHandler {
                try await isOver.wait(forWorkOn: executor, work) != nil
            } onCancel: {
                stopping.open()
                hasten(lastPart)
            }
        } onGracefulShutdown: {
            isShuttingDown.open()
        }
    }
}

extension Gate {
    private enum Work<Value: Sendable> {
        case underWay
        case ended(Result<Value, any Error>)
        case letGo
    }

    /// Runs work in a Swift task of its own and waits until this gate opens. The end of the work opens it.
    ///
    /// - Parameters:
    ///   - executor: where the work runs; nil for the concurrency pool.
    ///   - work: the work. Cancellation of the caller does not reach it.
    ///   - late: takes the value of work that has ended after the wait.
    /// - Returns: the work's value; nil if the gate opened before the work had ended. It goes on then.
    /// - Throws: the work's error.
    func wait<Value: Sendable>(
        forWorkOn executor: (any TaskExecutor)? = nil, _ work: @escaping @Sendable () async throws -> Value,
        late: @escaping @Sendable (Value) async -> Void = { _ in }
    ) async throws -> Value? {
        let state = NIOLockedValueBox(Work<Value>.underWay)
        Task(executorPreference: executor) {
            let result: Result<Value, any Error>
            do { result = .success(try await work()) } catch { result = .failure(error) }
            let isLate = state.withLockedValue { state in
                if case .letGo = state { return true }
                state = .ended(result)
                return false
            }
            if isLate {
                if case .success(let value) = result { await late(value) }
            } else {
                self.open()
            }
        }
        await wait()
        let result = state.withLockedValue { state -> Result<Value, any Error>? in
            if case .ended(let result) = state { return result }
            state = .letGo
            return nil
        }
        return try result?.get()
    }

    /// Runs work that is let go when this gate opens.
    ///
    /// - Parameter work: the work. Cancellation of the caller does not reach it.
    /// - Returns: the work's value; nil if the gate opened before the work had ended. It goes on then.
    /// - Throws: the work's error.
    package func unlessOpen<Value: Sendable>(
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        let isOver = Gate()
        let opened = onOpen { isOver.open() }
        defer { forget(opened) }
        return try await isOver.wait(forWorkOn: nil, work)
    }
}

extension UnixSignal {
    /// Whether somebody in this process handles the signal, as a `ServiceGroup` does. Otherwise the signal is left to
    /// end the process.
    fileprivate var isHandled: Bool {
        var action = sigaction()
        guard sigaction(rawValue, nil, &action) == 0 else { return false }
        #if canImport(Glibc)
        return action.__sigaction_handler.sa_handler != nil
        #elseif canImport(Musl)
        return action.__sa_handler.sa_handler != nil
        #else
        return action.__sigaction_u.__sa_handler != nil
        #endif
    }
}
