package import CeleriacCore

package import struct FoundationEssentials.Date

/// Whose turn it is among the suspects that a worker holds: the messages of which a counted beginning has not ended, so
/// that each may be what killed a process. Where the limit of beginnings is so small that one or two beside such a
/// message park another, all that have come back are suspects.
///
/// One begins at a time. Otherwise what runs beside a task that kills its process would be counted with it time and
/// again. A suspect has the turn until it ends, but not longer than ``patience``: it may be a task of hours, and those
/// that wait for it occupy slots.
package struct SuspectTurn: Sendable {
    /// Up to this limit all that have come back are suspects.
    static let smallLimit = 2
    /// How long others wait for a suspect that has begun.
    static let patience: Duration = .seconds(10)

    /// What a suspect waits for before it asks again.
    package struct Wait: Sendable {
        package let gate: Gate
        package let longest: Duration
    }
    private enum Holder: Equatable {
        /// A suspect, by its receipt's tag.
        case suspect(UInt64)
        /// A queue: a suspect was moved to its companion, from where it is about to come.
        case queue(String)
    }

    private var holder: Holder?
    /// Until when the holder keeps the turn from others.
    private var deadline = Date.distantPast
    /// A gate that opens, and is replaced, when the turn passes on.
    private var change = Gate()
    private let suspectsAll: Bool

    /// Makes a turn that nobody has.
    ///
    /// - Parameter maximumAttempts: after how many counted beginnings the worker parks a message.
    package init(maximumAttempts: Int = 5) { suspectsAll = maximumAttempts <= Self.smallLimit }

    /// Judges a message.
    ///
    /// - Parameters:
    ///   - attempts: how many counted beginnings of it have not ended.
    ///   - hasComeBack: whether it was delivered before.
    /// - Returns: whether it may be what killed a process.
    package func isSuspect(attempts: Int, hasComeBack: Bool) -> Bool { attempts > 0 || suspectsAll && hasComeBack }

    /// Asks for the turn.
    ///
    /// - Parameters:
    ///   - tag: the suspect.
    ///   - queue: the queue whose companion the suspect is in, or is about to be moved to.
    ///   - now: the time.
    /// - Returns: what to wait for; nil if the suspect has the turn now.
    package mutating func take(_ tag: UInt64, of queue: String? = nil, now: Date) -> Wait? {
        if let holder, holder != .suspect(tag), queue.map({ holder != .queue($0) }) ?? true {
            let rest = deadline.timeIntervalSince(now)
            if rest > 0 { return Wait(gate: change, longest: min(.seconds(rest), Self.patience)) }
        }
        if holder != .suspect(tag) {
            holder = .suspect(tag)
            deadline = now.addingTimeInterval(Self.patience.seconds)
        }
        return nil
    }

    /// Keeps the turn for what comes from the companion of a queue, if the suspect that was moved there has it.
    mutating func pass(from tag: UInt64, to queue: String, now: Date) {
        guard holder == .suspect(tag) else { return }
        holder = .queue(queue)
        deadline = now.addingTimeInterval(Self.patience.seconds)
        wake()
    }

    /// Gives up the turn, if this message has it.
    package mutating func end(_ tag: UInt64) {
        if holder == .suspect(tag) { reset() }
    }

    /// Gives up the turn, whoever has it.
    package mutating func reset() {
        guard holder != nil else { return }
        holder = nil
        wake()
    }

    /// Has those that wait ask again.
    package mutating func wake() {
        change.open()
        change = Gate()
    }

    /// Asks, again and again, until there is nothing to wait for.
    package static func wait(_ timers: any TimerSource, until ask: (Date) -> Wait?) async {
        while let wait = ask(timers.now) { await wait.gate.wait(atMost: wait.longest, timers: timers) }
    }
}
