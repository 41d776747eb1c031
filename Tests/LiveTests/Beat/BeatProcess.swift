#if Redis
import CeleriacTestKit
import Foundation

/// A running `celeriac beat`.
struct BeatProcess: Sendable {
    let child: ChildProcess
    private let log: String

    init(broker: String, in folder: TemporaryFolder, schedule: String, _ arguments: String...) throws {
        try self.init(broker: broker, in: folder, schedule: schedule, arguments)
    }

    init(broker: String, in folder: TemporaryFolder, schedule: String, _ arguments: [String]) throws {
        let file = "\(folder.path)/\(UUID().uuidString).yaml"
        try Data(schedule.utf8).write(to: URL(filePath: file))
        try self.init(in: folder, ["--broker", broker, "--schedule", file] + arguments)
    }

    init(in folder: TemporaryFolder, _ arguments: [String]) throws {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(filePath: tests).deletingLastPathComponent().appending(path: "celeriac").path
        log = "\(folder.path)/\(UUID().uuidString).log"
        child = try ChildProcess(program, ["beat"] + arguments, output: .file(log), error: .file(log))
    }

    /// The log so far.
    var logged: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// The ids of the tasks sent for an entry, in order.
    func ids(of entry: String) -> [String] {
        // The last line may be incomplete.
        logged.split(separator: "\n", omittingEmptySubsequences: false).dropLast().compactMap { line in
            let words = line.split(separator: " ")
            guard words.contains("entry=\(entry)") else { return nil }
            return words.first { $0.hasPrefix("id=") }.map { String($0.dropFirst(3)) }
        }
    }

    /// Asks the process to stop and waits for it to end.
    func stop() async -> CeleriacTestKit.ExitStatus {
        child.signal(SIGTERM)
        return await child.wait()
    }
}
#endif
