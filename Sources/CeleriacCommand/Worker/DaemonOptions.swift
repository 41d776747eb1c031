import ArgumentParser
import Foundation
import Glibc

/// Celery's "Daemonization Options".
struct DaemonOptions: ParsableArguments {
    @Flag(name: [.customShort("D"), .long], help: "Start in the background.")
    var detach = false

    @Option(
        name: [.customShort("f", allowingJoined: true), .long],
        help: "The file of the log; by default it goes to standard error. %n is the node's name, %h its host.")
    var logfile: String?

    @Option(help: "A file with the process's number. The program does not start if another process holds it.")
    var pidfile: String?

    @Option(help: "Become this user, by name or number.")
    var uid: String?

    @Option(help: "Become a member of this group alone, by name or number.")
    var gid: String?

    @Option(help: "The umask of files that are created, in octal.")
    var umask: String?

    @Option(help: "The folder to work in.")
    var workdir: String?

    @Option(help: ArgumentHelp("Taken: the path of Python.", visibility: .hidden))
    var executable: String?

    /// Does what a verb is for as these options say: as that user, with the pidfile, and in the background.
    ///
    /// - Parameters:
    ///   - launch: how this process was started.
    ///   - log: the file of the log, with its expansions; nil for standard error.
    ///   - path: the pidfile, with its expansions; nil for none.
    ///   - body: what the verb is for. The pidfile is its own until it returns.
    /// - Returns: what `body` returns; nil in a process that has left that to one in the background.
    /// - Throws: `ValidationError`; else `ExitCode` for the process, after the reason was told.
    func run<Value>(
        _ launch: ProgramLaunch, log: String?, pidFile path: String?, _ body: (PidFile?) async throws -> Value
    ) async throws -> Value? {
        try Privileges(user: uid, group: gid).assume()
        do {
            let pidFile = try path.map { path throws(PidFile.Refusal) in try PidFile(acquiring: path) }
            defer { pidFile?.release() }
            if detach, !launch.isAgain {
                // Only to see that the one in the background will get it.
                pidFile?.release()
                try launch.detach(output: log)
                return nil
            }
            return try await body(pidFile)
        } catch let refusal as PidFile.Refusal {
            CommandEnvironment.say("Error: \(refusal)")
            throw ExitCode(PidFile.status)
        } catch let code as ExitCode {
            throw code
        } catch let error as ValidationError {
            throw error
        } catch {
            CommandEnvironment.say("Error: \(FailureText.of(error))")
            throw ExitCode(2)
        }
    }

    /// Enters the folder and sets the umask.
    ///
    /// - Throws: `ValidationError` if that cannot be.
    func enter() throws {
        if let workdir, !FileManager.default.changeCurrentDirectoryPath(workdir) {
            throw ValidationError("--workdir: cannot enter \(workdir).")
        }
        if let umask {
            guard let mask = mode_t(umask, radix: 8), mask <= 0o777 else {
                throw ValidationError("--umask must be an octal number such as 022.")
            }
            _ = setMask(mask)
        }
    }
}

/// The system's `umask`, whose name the option has too.
private func setMask(_ mask: mode_t) -> mode_t { umask(mask) }

/// The user and the group that a process becomes.
struct Privileges {
    private let user: uid_t?
    private let group: gid_t?
    private let userName: String?

    /// Looks up a user and a group.
    ///
    /// - Throws: `ValidationError` for names that the system does not know.
    init(user: String?, group: String?) throws {
        let entry = user.flatMap(Self.entry)
        let number = entry?.pointee.pw_uid ?? user.flatMap { uid_t($0) }
        if let user, number == nil { throw ValidationError("--uid: the system knows no user \(user).") }
        var groupNumber = entry?.pointee.pw_gid
        if let group {
            guard let known = gid_t(group) ?? getgrnam(group)?.pointee.gr_gid else {
                throw ValidationError("--gid: the system knows no group \(group).")
            }
            groupNumber = known
        }
        self.user = number
        self.group = groupNumber
        userName = entry.map { String(cString: $0.pointee.pw_name) }
    }

    /// Becomes them, for good.
    ///
    /// - Throws: `ValidationError` if the process may not.
    func assume() throws {
        guard user != nil || group != nil else { return }
        if let group, group != getegid() || user != geteuid() {
            // The other groups of the user first: afterwards this is forbidden.
            if geteuid() == 0, let userName {
                guard initgroups(userName, group) == 0 else { throw Self.error("--gid") }
            }
            guard setgid(group) == 0 else { throw Self.error("--gid") }
        }
        if let user, user != geteuid() {
            guard setuid(user) == 0 else { throw Self.error("--uid") }
            if user != 0, setuid(0) == 0 {
                throw ValidationError("--uid: the process could become root again, so it does not start.")
            }
        }
    }

    private static func entry(ofUser name: String) -> UnsafeMutablePointer<passwd>? {
        if let number = uid_t(name) { return getpwuid(number) }
        return getpwnam(name)
    }

    private static func error(_ option: String) -> ValidationError {
        ValidationError("\(option): \(String(cString: strerror(errno))). Only root may become another user or group.")
    }
}
