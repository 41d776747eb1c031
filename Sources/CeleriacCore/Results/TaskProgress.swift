public import CeleriacWire

/// How far a task has come, as its result store tells it.
public enum TaskProgress<Value: Sendable, Update: Sendable>: Sendable {
    /// Nothing is stored: the task waits, or nobody has sent it.
    case pending
    /// A worker has it. Machinery stores this.
    case received
    /// Its handler runs. Workers of Celery's store this only if tracking is on: ``TaskOptions/tracksStarted``.
    case started
    /// It has failed and was sent again, with the error if one is stored.
    case retrying(RemoteTaskError?)
    /// Its handler has stored a state of its own with ``TaskContext/update(state:value:)``.
    case update(TaskState, Update)
    /// It has ended with a result.
    case success(Value)
    /// It has failed, was revoked, or never runs because a task before it in its chain has failed.
    case failure(RemoteTaskError)
}

extension AsyncResult {
    /// The task's states as they are stored, to its end. The values that the handler stores come as the wire has them;
    /// ``progress(of:timeout:)`` gives them a type.
    public var progress: some AsyncSequence<TaskProgress<Value, WireValue>, any Error> & Sendable {
        progress(of: WireValue.self)
    }

    /// The task's states as they are stored, to its end.
    ///
    /// ```swift
    /// for try await progress in result.progress(of: Step.self) {
    ///     switch progress {
    ///     case .update(_, let step): show(step.done, of: step.total)
    ///     case .success(let path): show(path)
    ///     case .failure(let error): show(error)
    ///     default: break
    ///     }
    /// }
    /// ```
    ///
    /// The state that is stored when the loop begins comes first, ``TaskProgress/pending`` if none is. States that
    /// follow each other faster than they are read are left out; the last one never is. Leave the loop to end the
    /// subscription.
    ///
    /// The loop throws ``CeleriacError`` with code `resultMismatch` when what is stored is not an `Update` or a `Value`,
    /// `timeout` when the time is up, `configuration` without a result store, `unavailable` or `closed` when that is
    /// gone; `CancellationError`.
    ///
    /// - Parameters:
    ///   - type: what the handler stores with states of its own.
    ///   - timeout: how long to wait at most for the end, from when the loop begins; nil for as long as it takes.
    /// - Returns: the states, which any number of loops may follow.
    public func progress<Update: Codable & Sendable>(
        of type: Update.Type, timeout: Duration? = nil
    ) -> some AsyncSequence<TaskProgress<Value, Update>, any Error> & Sendable {
        TaskProgressSequence(
            result: self, update: { value, decoder in try decoder.decode(Update.self, from: value) },
            timeout: timeout)
    }

    /// A stored state with its types.
    fileprivate func typed<Update: Sendable>(
        _ result: TaskResult, _ update: (WireValue, WireDecoder) throws -> Update
    ) throws -> TaskProgress<Value, Update> {
        switch result.state {
        case .pending: return .pending
        case .received: return .received
        case .started: return .started
        case .retry: return .retrying(result.error)
        case .success, .failure, .revoked:
            do {
                return .success(try client.value(of: result, coding: coding))
            } catch let error as RemoteTaskError {
                return .failure(error)
            }
        default:
            do {
                return .update(result.state, try update(result.value, client.decoder))
            } catch {
                throw CeleriacError(
                    .resultMismatch, "the value of state \(result.state) of task \(id) is not a \(Update.self)",
                    cause: error)
            }
        }
    }
}

/// The states of a task, as ``AsyncResult/progress(of:timeout:)`` has them.
struct TaskProgressSequence<Value: Sendable, Update: Sendable>: AsyncSequence, Sendable {
    /// How far the task has come.
    typealias Element = TaskProgress<Value, Update>

    let result: AsyncResult<Value>
    let update: @Sendable (WireValue, WireDecoder) throws -> Update
    let timeout: Duration?

    /// Begins to follow the task.
    func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(result: result, update: update, timeout: timeout)
    }

    /// One reader of the states.
    struct AsyncIterator: AsyncIteratorProtocol {
        let result: AsyncResult<Value>
        let update: @Sendable (WireValue, WireDecoder) throws -> Update
        let timeout: Duration?
        private var watch: ProgressWatch?
        private var isOver = false

        init(
            result: AsyncResult<Value>, update: @escaping @Sendable (WireValue, WireDecoder) throws -> Update,
            timeout: Duration?
        ) {
            self.result = result
            self.update = update
            self.timeout = timeout
        }

        /// Waits for the next state.
        ///
        /// - Returns: the state; nil after the last.
        /// - Throws: as ``AsyncResult/progress(of:timeout:)`` says.
        mutating func next() async throws -> TaskProgress<Value, Update>? {
            guard !isOver else { return nil }
            // What throws is the end, too.
            isOver = true
            let client = result.client
            let watch = try watch ?? ProgressWatch(result.reference, client: client, timeout: timeout)
            self.watch = watch
            let stored = try await client.waiting(for: result.reference.lastTaskIDs, result.withdrawal) {
                try await watch.next()
            }
            let progress = try result.typed(stored, update)
            isOver = stored.state.isFinal
            if isOver { self.watch = nil }
            return progress
        }
    }
}
