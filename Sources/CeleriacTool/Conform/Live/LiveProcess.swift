import CeleriacTestKit
import Foundation
import NIOConcurrencyHelpers

/// A testee that is a program, with the broker and the result store in its environment.
final class LiveProcess: LiveTestee {
    private let child: ChildProcess
    private let conversation: LineConversation?
    private let answers = NIOLockedValueBox<[[UInt8]]>([])

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - executable: the path of the program.
    ///   - arguments: its arguments.
    ///   - variables: what its environment has besides this process's own.
    ///   - role: what it is: producers and clients are asked by lines, and monitors print lines.
    /// - Throws: `TestKitError` with code `system`.
    init(
        _ executable: String, _ arguments: [String], variables: [String: String], role: LiveRole
    ) throws(TestKitError) {
        // A developer's own brokers must not be those of a testee.
        let own = ["CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "BROKER", "RESULT_BACKEND", "DEFAULT_QUEUE"]
        let environment = ProcessInfo.processInfo.environment.filter { !own.contains($0.key) }
            .merging(variables) { $1 }
        child = try ChildProcess(
            executable, arguments, environment: environment,
            input: role.isAsked ? .socket : .null, output: role.isRead ? .socket : .null, error: .inherit)
        guard role.isRead else {
            conversation = nil
            return
        }
        conversation = LineConversation(with: child) { [answers] line in answers.withLockedValue { $0.append(line) } }
    }

    var exitStatus: Int32? { child.status?.shellStatus }

    func ask(_ question: [UInt8]) {
        conversation?.ask(question) { [answers] line in
            // Without a line the program is gone, which its status tells.
            if let line { answers.withLockedValue { $0.append(line) } }
        }
    }

    func answer() -> [UInt8]? { answers.withLockedValue { $0.isEmpty ? nil : $0.removeFirst() } }

    func signal(_ number: Int32) { child.signal(number) }

    func stop() async {
        conversation?.close()
        await child.kill()
    }
}
