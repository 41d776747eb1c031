import NIOConcurrencyHelpers

/// A queue that is emptied in batches: the elements that arrive while a batch is under way make up the next one.
package final class Lane<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var waiter: CheckedContinuation<[Element], Never>?
        var isClosed = false

        mutating func takeWaiter() -> (CheckedContinuation<[Element], Never>, [Element])? {
            guard let waiter else { return nil }
            defer {
                self.waiter = nil
                elements = []
            }
            return (waiter, elements)
        }
    }
    private let state = NIOLockedValueBox(State())

    package init() {}

    package func put(_ element: Element) {
        let waiter = state.withLockedValue { state in
            state.elements.append(element)
            return state.takeWaiter()
        }
        resume(waiter)
    }

    package func put(contentsOf elements: [Element]) {
        guard !elements.isEmpty else { return }
        let waiter = state.withLockedValue { state in
            // An empty lane takes the batch as it is, without a copy.
            if state.elements.isEmpty { state.elements = elements } else { state.elements += elements }
            return state.takeWaiter()
        }
        resume(waiter)
    }

    private func resume(_ handover: (CheckedContinuation<[Element], Never>, [Element])?) {
        guard let (waiter, elements) = handover else { return }
        waiter.resume(returning: elements)
    }

    /// Waits for elements and takes all of them. Returns an empty array once the lane is closed and drained.
    package func take() async -> [Element] {
        await withCheckedContinuation { continuation in
            let elements: [Element]? = state.withLockedValue { state in
                if state.elements.isEmpty, !state.isClosed {
                    state.waiter = continuation
                    return nil
                }
                defer { state.elements = [] }
                return state.elements
            }
            if let elements { continuation.resume(returning: elements) }
        }
    }

    /// How many elements that match wait to be taken.
    func count(where matches: (Element) -> Bool) -> Int {
        state.withLockedValue { $0.elements.count(where: matches) }
    }

    package func close() {
        let waiter = state.withLockedValue { state in
            state.isClosed = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: [])
    }
}
