import CeleriacCore
import FoundationEssentials
import NIOConcurrencyHelpers

/// A worker's part that hands out the worker's control and records the events that it gets.
final class ControlProbe: WorkerPart, WorkerObserver {
    private let state = NIOLockedValueBox((control: WorkerControl?.none, told: [String]()))
    private let started = Gate()
    let isListening: Bool

    init(isListening: Bool = true) {
        self.isListening = isListening
    }

    var observer: (any WorkerObserver)? { self }

    var told: [String] { state.withLockedValue { $0.told } }

    func control() async -> WorkerControl {
        await started.wait()
        guard let control = state.withLockedValue({ $0.control }) else { fatalError("the gate opens with it") }
        return control
    }

    func run(beside worker: WorkerControl, until stopping: Gate) async {
        state.withLockedValue { $0.control = worker }
        started.open()
        await stopping.wait()
    }

    func observe(_ event: WorkerEvent, at time: Date) {
        let text =
            switch event {
            case .received(let request): "received \(request.name)"
            case .started(let request): "started \(request.name)"
            case .ended(let request, let outcome, _): "ended \(request.name) \(name(of: outcome))"
            }
        state.withLockedValue { $0.told.append(text) }
    }

    private func name(of outcome: Outcome) -> String {
        String("\(outcome)".prefix { $0 != "(" })
    }
}
