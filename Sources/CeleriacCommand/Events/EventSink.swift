import CeleriacWire
import CeleryDialect
import Foundation
import NIOConcurrencyHelpers

/// Where events go: to lines of standard output, or into the picture of a terminal.
final class EventSink: Sendable {
    /// How events are shown.
    enum Form: Sendable {
        /// As Celery dumps them.
        case lines
        /// As JSON, one object a line.
        case objects
        /// As a picture of what they have told so far.
        case picture
    }

    /// How many events wait to be shown. Later ones are missed.
    static let mostWaiting = 100_000

    private struct State: Sendable {
        var dump = EventDump()
        var board = EventBoard()
        var notice = EventScreen.Notice()
        /// How many events are still wanted; nil for all.
        var wanted: Int?
        /// Whether the first connection was told of.
        var hasBegun = false
    }

    private let form: Form
    private let screen: EventScreen
    private let state: NIOLockedValueBox<State>

    /// Makes a sink.
    ///
    /// - Parameters:
    ///   - form: how events are shown.
    ///   - screen: what draws the picture.
    ///   - count: how many events are wanted; nil for all.
    init(_ form: Form, screen: EventScreen, count: Int?) {
        self.form = form
        self.screen = screen
        var state = State()
        state.wanted = count
        self.state = NIOLockedValueBox(state)
    }

    /// Begins to show something.
    func begin() {
        if form == .lines { Self.print(EventDump.beginning) }
        if form == .picture { TerminalPicture.begin() }
    }

    /// Ends.
    func end() {
        if form == .picture { TerminalPicture.end() }
        let missed = state.withLockedValue { $0.notice.missed }
        if form != .picture, missed > 0 {
            let events = missed.counting("event was", "events were")
            CommandEnvironment.say("Warning: \(events) missed: they came faster than they were read.")
        }
    }

    /// Notes that an event came when too many waited to be shown.
    func miss() { state.withLockedValue { $0.notice.missed += 1 } }

    /// Shows what has happened.
    ///
    /// - Returns: whether no more events are wanted.
    func write(_ news: [CeleryEventReceiver.News]) -> Bool {
        let (lines, isEnough) = state.withLockedValue { state in
            var lines: [String] = []
            for one in news {
                if state.wanted == 0 { break }
                if let line = take(one, &state) { lines.append(line) }
            }
            return (lines, state.wanted == 0)
        }
        if !lines.isEmpty { Self.print(lines.joined(separator: "\n")) }
        return isEnough
    }

    /// Draws the picture.
    func draw() {
        let lines = state.withLockedValue { state in
            screen.lines(
                state.board, state.notice, at: Date().timeIntervalSince1970, size: TerminalSize.current)
        }
        TerminalPicture.show(lines)
    }

    /// Takes a piece of news; returns the line that tells of it.
    private func take(_ news: CeleryEventReceiver.News, _ state: inout State) -> String? {
        switch news {
        case .listening:
            state.notice.loss = nil
            state.hasBegun = true
            return nil
        case .lost(let error):
            let isNew = state.notice.loss == nil && state.hasBegun
            state.notice.loss = FailureText.of(error)
            return form == .lines && isNew ? EventDump.loss : nil
        case .unreadable(let reason):
            state.notice.unreadable += 1
            if form != .picture { CommandEnvironment.say("Warning: a message is no event: \(reason.printable)") }
            return nil
        case .event(let event):
            if let wanted = state.wanted { state.wanted = wanted - 1 }
            switch form {
            case .lines: return state.dump.line(event)
            case .objects: return CommandOutput.json(.object(event))
            case .picture:
                state.board.add(event, at: event["local_received"]?.doubleValue ?? Date().timeIntervalSince1970)
                return nil
            }
        }
    }

    private static func print(_ line: String) { CommandEnvironment.write(line: line) }
}
