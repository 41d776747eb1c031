import CeleriacCore
import Foundation
import GRDB

/// An SQLite file that Python's processes use at the same time.
struct SQLDatabase: Sendable {
    let name: String
    /// Not a pool, which would switch the file to write-ahead logging for Python too.
    let queue: DatabaseQueue

    /// Opens the file, and makes what it lacks of the tables in `schema`.
    init(url: String, schema: [UInt8]) throws {
        guard let start = url.firstRange(of: ":///")?.upperBound, start < url.endIndex, !url.contains("?") else {
            throw CeleriacError(.configuration, "an SQLite URL must be like sqlite:////folder/file, without options")
        }
        name = "sqlite:///\(url[start...])"
        var configuration = Configuration()
        // Python's processes lock the file for moments. Like them, this one does not check foreign keys.
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = false
        queue = try DatabaseQueue(path: String(url[start...]), configuration: configuration)
        try queue.write { try $0.run(schema) }
    }

    /// Runs a transaction. It is not cancelled with the task, so that a cancelled worker can still settle its messages.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` where trying again may help.
    func write<T: Sendable>(_ updates: @escaping @Sendable (Database) throws -> T) async throws -> T {
        do {
            return try await withCheckedThrowingContinuation { continuation in
                queue.asyncWrite(updates) { _, result in continuation.resume(with: result) }
            }
        } catch let error as DatabaseError {
            let passing: [ResultCode] = [.SQLITE_BUSY, .SQLITE_LOCKED, .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN]
            let passes = passing.contains(error.resultCode)
            throw CeleriacError(passes ? .unavailable : .unsupported, "\(name) refused a transaction", cause: error)
        }
    }

    /// Runs a statement in a transaction of its own, and returns how many rows it has changed.
    @discardableResult
    func execute(_ sql: String, _ arguments: StatementArguments) async throws -> Int {
        try await write { db in
            try db.execute(sql: sql, arguments: arguments)
            return db.changesCount
        }
    }
}

extension Database {
    /// Runs the statements of one of the folder's SQL files.
    func run(_ file: [UInt8], _ arguments: StatementArguments = []) throws {
        try execute(sql: String(decoding: file, as: UTF8.self), arguments: arguments)
    }
}

extension Row {
    // Whatever a peer has stored there.
    func bytes(_ column: String) -> [UInt8]? { Data.fromDatabaseValue(self[column] ?? .null).map { Array($0) } }
    func text(_ column: String) -> String? { String.fromDatabaseValue(self[column] ?? .null) }
}
