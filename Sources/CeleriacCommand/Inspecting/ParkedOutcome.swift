import ArgumentParser
import Celeriac
import CeleriacCore

/// What became of the messages that an operator wanted to have put back or dropped.
struct ParkedOutcome {
    /// A message that was left, and why.
    typealias Left = (message: ParkedMessage, why: String)

    /// The messages that are parked no more.
    private(set) var done: [ParkedMessage]
    /// The ids that no parked message had.
    let unknownIDs: [String]
    /// The messages that are still parked.
    private(set) var left: [Left] = []
    /// The error that ended it.
    private(set) var error: (any Error)?
    /// Whether nobody could be asked what had become of the messages.
    private(set) var isUnknown = false

    /// The outcome if all messages are done.
    init(_ found: ParkedSelection) {
        done = found.messages
        unknownIDs = found.unknownIDs
    }

    /// Has messages changed, and looks at what became of them unless all were.
    ///
    /// - Parameters:
    ///   - found: the messages.
    ///   - queue: the queue that they were parked from.
    ///   - sender: whose broker it is.
    ///   - change: changes messages and returns how many were.
    /// - Throws: the error of the first look.
    init(
        _ found: ParkedSelection, in queue: String, at sender: any TaskSender,
        by change: ([String]) async throws -> Int
    ) async throws {
        self.init(found)
        let messages = found.messages
        var changed: Int?
        do {
            changed = try await change(messages.map(\.id))
            if changed == messages.count { return }
        } catch {
            self.error = error
        }
        do {
            var parked: Set<String> = []
            try await sender.eachParkedPage(in: queue) { parked.formUnion($0.map(\.id)) }
            done = messages.filter { !parked.contains($0.id) }
            left = messages.filter { parked.contains($0.id) }.map { message in
                (message, error == nil ? "the broker did not take it: see its reason with parked show" : "not tried")
            }
            // What somebody else looks at just now is seen by nobody, and may be parked still.
            if let changed, done.count > changed {
                done = []
                isUnknown = true
            }
        } catch {
            guard self.error != nil else { throw error }
            done = []
            isUnknown = true
        }
    }

    /// Ends the command as the outcome says.
    func end() throws {
        if let error { throw error }
        if !left.isEmpty || isUnknown { throw ExitCode(1) }
    }
}
