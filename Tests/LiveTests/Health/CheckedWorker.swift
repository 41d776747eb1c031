import CeleriacTestKit
import Foundation
import TestSupport

/// A worker of a program that answers health checks.
struct CheckedWorker: Sendable {
    let process: ProgramProcess
    let port: Int

    /// Starts a worker of a site's broker and waits until it says that it is ready. Its result store is the site's, if
    /// `results` names no other.
    static func start(
        _ site: BrokerSite, results: String? = nil, arguments: [String] = []
    ) async throws -> CheckedWorker {
        let port = try FreePort.take()
        let process = try ProgramProcess(
            [
                "worker", "-b", site.broker, "--result-backend", results ?? site.results, "-l", "INFO", "-n", "w1@live",
                "--health", "\(port)",
            ] + arguments, in: site.folder)
        try await process.logs("w1@live ready.")
        return CheckedWorker(process: process, port: port)
    }

    /// Asks it.
    func get(_ path: String) async throws -> HTTPReply { try await HTTPReply.of("GET", path, port: port) }

    /// Waits until it answers `/ready` with this status. All the while it must live.
    ///
    /// - Returns: the reasons.
    @discardableResult
    func becomes(_ status: Int) async throws -> [String] {
        var reasons: [String] = []
        try await until {
            let live = try await get("/live")
            guard live.status == 200 else { throw NotLive(reasons: live.reasons) }
            let ready = try await get("/ready")
            reasons = ready.reasons
            return ready.status == status
        }
        return reasons
    }

    /// It does not live.
    struct NotLive: Error {
        let reasons: [String]
    }
}
