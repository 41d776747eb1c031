import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers

/// A program that answers the questions of the codec tier, a line for a line.
///
/// One that ends or keeps silent is killed and started anew for the next question.
actor CodecTestee {
    private struct Running {
        let child: ChildProcess
        let conversation: LineConversation
    }

    private let executable: String
    private let arguments: [String]
    private let timeout: Duration
    private var running: Running?

    /// Makes a testee, which starts with the first question.
    ///
    /// - Parameters:
    ///   - executable: the path of the program.
    ///   - arguments: its arguments.
    ///   - timeout: how long it may take for one answer; a minute longer for the first.
    init(_ executable: String, _ arguments: [String], timeout: Duration) {
        self.executable = executable
        self.arguments = arguments
        self.timeout = timeout
    }

    /// Asks a case's question.
    ///
    /// - Throws: `TestKitError` if the program cannot be started.
    func ask(_ testCase: ConformanceCase) async throws -> TesteeResponse {
        let question = try testCase.question()
        // The first answer waits for the start of an interpreter.
        let limit = running == nil ? timeout + .seconds(60) : timeout
        let testee = try start()
        let isLate = NIOLockedValueBox(false)
        let timer = Task {
            try await Task.sleep(for: limit)
            isLate.withLockedValue { $0 = true }
            await testee.child.kill()
        }
        let line = await testee.conversation.ask(question)
        timer.cancel()
        guard let line else {
            await stop()
            return isLate.withLockedValue { $0 } ? .timeout : .crash
        }
        let response = TesteeResponse(line, to: testCase.id)
        // What a testee says after a line that is no answer cannot be told from the answer to the next question.
        if response == .crash { await stop() }
        return response
    }

    /// Ends the program. The next question starts another.
    func stop() async {
        guard let testee = running else { return }
        running = nil
        testee.conversation.close()
        await testee.child.kill()
    }

    private func start() throws -> Running {
        if let running { return running }
        let child = try ChildProcess(
            executable, arguments, input: .socket, output: .socket, error: .inherit, ownSession: true)
        let started = Running(child: child, conversation: LineConversation(with: child))
        running = started
        return started
    }
}
