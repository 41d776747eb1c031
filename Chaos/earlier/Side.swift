import Celeriac

#if canImport(Glibc)
import Glibc
#endif

/// A dialect's worker and its producer.
protocol Side: Sendable {
    func work() async throws
    func send(_ unit: Unit) async throws
    func close() async
}

/// The one task, as ChaosWorker has it.
enum Step {
    static let sent = TaskName<String, Int>("chaos.run")
    private static let handled = TaskName<Rest<WireValue>, Int>("chaos.run")

    static func handler(_ ledger: Ledger) -> TaskHandler {
        handled.handled { arguments in
            guard let name = arguments.elements.lazy.compactMap(\.stringValue).first else {
                throw TaskFailure("ValueError", "no name among \(arguments.elements)")
            }
            ledger.note("begin", name)
            if name.first == Unit.Kind.poison.rawValue { kill(getpid(), SIGKILL) }
            try await Task.sleep(for: .milliseconds(name.utf8.reduce(0) { ($0 * 31 + Int($1)) % 30 }))
            ledger.note("end", name)
            return 1
        }
    }
}
