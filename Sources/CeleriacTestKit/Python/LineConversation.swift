import CeleriacWire
import Foundation
import Glibc
import NIOConcurrencyHelpers

/// An exchange of questions and answers, one line each, with a child process that answers in order.
package final class LineConversation: Sendable {
    private struct State {
        var waiting: [@Sendable ([UInt8]?) -> Void] = []
        var hasEnded = false
    }

    private let child: ChildProcess
    private let state = NIOLockedValueBox(State())
    private let writer = DispatchQueue(label: "celeriac.line-conversation")
    private let unasked: @Sendable ([UInt8]) -> Void

    /// Starts reading the child's socket. The reading thread keeps the child, and with it the socket, alive until the
    /// conversation ends.
    ///
    /// - Parameters:
    ///   - child: The child, one of whose streams at least is a socket.
    ///   - unasked: Called on the reading thread with each line that answers no question.
    package init(with child: ChildProcess, unasked: @escaping @Sendable ([UInt8]) -> Void = { _ in }) {
        self.child = child
        self.unasked = unasked
        let thread = Thread { [self] in read() }
        thread.stackSize = 256 * 1024
        thread.start()
    }

    /// Sends a line and returns the answering line, both without their line ends; nil if the peer is gone.
    package func ask(_ line: [UInt8]) async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            ask(line) { continuation.resume(returning: $0) }
        }
    }

    /// Sends a line without waiting for the answering line.
    ///
    /// - Parameters:
    ///   - line: The line, without its end.
    ///   - answered: Called with the answering line once, on any thread; with nil if the peer is gone.
    package func ask(_ line: [UInt8], answered: @escaping @Sendable ([UInt8]?) -> Void) {
        // The same queue registers and writes a question, so that answers match questions in order.
        writer.async { [self] in
            let hasEnded = state.withLockedValue { state in
                if !state.hasEnded { state.waiting.append(answered) }
                return state.hasEnded
            }
            if hasEnded { answered(nil) } else { write(line + [UInt8(ascii: "\n")]) }
        }
    }

    /// Sends a value as a line of JSON and returns the value of the answering line; nil if the peer is gone.
    ///
    /// - Throws: `WireError` for a value or an answer that is not JSON.
    func ask(_ question: WireValue) async throws -> WireValue? {
        let line = try WireJSON.encode(question, nonFinite: .allow, maximumDepth: Self.maximumDepth)
        guard let answer = await ask(line) else { return nil }
        return try WireJSON.decode(answer, limits: WireLimits(maximumDepth: Self.maximumDepth))
    }

    /// Some levels more than Celery's messages have.
    private static let maximumDepth = 1_100

    /// Ends the conversation in both directions. All waiting callers get nil.
    package func close() {
        shutdown(child.socket, Int32(SHUT_RDWR))
    }

    private func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(child.socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return }  // The reader will notice.
            rest = rest.dropFirst(count)
        }
    }

    private func read() {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = recv(child.socket, &buffer, buffer.count, 0)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { break }
            for part in buffer[..<count].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
                .enumerated()
            {
                if part.offset > 0 {
                    answer(line)
                    line = []
                }
                line += part.element
            }
        }
        let waiting = state.withLockedValue { state in
            state.hasEnded = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for answered in waiting { answered(nil) }
    }

    private func answer(_ line: [UInt8]) {
        let first = state.withLockedValue { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
        if let first { first(line) } else { unasked(line) }
    }
}
