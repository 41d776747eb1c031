import Foundation

/// The running program of a peer, with a file for what it prints.
struct InteropProcess: Sendable {
    /// The process.
    let child: ChildProcess
    /// How errors name it.
    private let name: String
    /// Where its output goes; a producer's standard output is the conversation.
    private let log: String

    /// Starts a program.
    ///
    /// - Throws: ``TestKitError``: `missingProgram` if something that it needs is missing, `system` if it cannot be run.
    init(
        _ peer: InteropPeer, role: String, at addresses: InteropAddresses, input: ChildProcess.Stream
    ) throws(TestKitError) {
        let executable = try peer.executable()
        name = "the \(role) \(peer.name)"
        log = "\(addresses.folder.path)/\(UUID().uuidString).log"
        let file = ChildProcess.Stream.file(log)
        let output: ChildProcess.Stream = if case .socket = input { .socket } else { file }
        // A developer's own brokers must not be those of a peer.
        let own = ["CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "BROKER", "RESULT_BACKEND", "DEFAULT_QUEUE"]
        let environment = ProcessInfo.processInfo.environment.filter { !own.contains($0.key) }
            .merging(addresses.variables) { $1 }.merging(peer.environment) { $1 }
        // posix_spawn cannot change the folder; the shell becomes the program, so its id is the program's.
        child = try ChildProcess(
            "/bin/sh",
            ["-c", #"cd "$1" && shift && exec "$@""#, "sh", peer.folder, executable]
                + peer.command.dropFirst(),
            environment: environment, input: input, output: output, error: file)
    }

    /// Waits until the program has printed a text.
    ///
    /// - Throws: ``TestKitError`` with code `startFailed` if it ends before, or has not after two minutes.
    func prints(_ text: String) async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        while !logged.contains(text) {
            if let reason = end { throw TestKitError(.startFailed, reason) }
            if ContinuousClock.now > deadline {
                throw TestKitError(.startFailed, "\(name) has not printed “\(text)” within two minutes\(tail)")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// How it has ended, with the end of its log; nil while it runs.
    var end: String? { child.status.map { "\(name) has ended with \($0)\(tail)" } }

    /// The end of its log, as a message ends with it.
    var tail: String {
        let text = LogTail.of(log, lines: 20)
        return text.isEmpty ? "" : "; the end of its log:\n\(text)"
    }

    private var logged: String { String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self) }
}
