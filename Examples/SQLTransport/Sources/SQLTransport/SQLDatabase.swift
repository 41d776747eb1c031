import Celeriac
import Foundation
import GRDB

/// An SQLite file that Python's processes use at the same time.
struct SQLDatabase: Sendable {
    /// How SQLAlchemy writes dates, for SQLite's `strftime`.
    static let format = "%Y-%m-%d %H:%M:%f000"

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
        try queue.write { try $0.execute(sql: String(decoding: schema, as: UTF8.self)) }
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
            throw CeleriacError(
                passing.contains(error.resultCode) ? .unavailable : .unsupported, "\(name) refused a transaction",
                cause: error)
        }
    }

    /// Runs one statement and returns how many rows it has inserted, updated or deleted.
    @discardableResult
    func change(_ sql: String, _ arguments: StatementArguments) async throws -> Int {
        try await write { db in
            try db.execute(sql: sql, arguments: arguments)
            return db.changesCount
        }
    }
}

extension Row {
    /// A column's bytes, and its text, whatever a peer has stored there.
    func bytes(_ column: String) -> [UInt8]? { Data.fromDatabaseValue(self[column] ?? .null).map { Array($0) } }
    func text(_ column: String) -> String? { String.fromDatabaseValue(self[column] ?? .null) }
}
