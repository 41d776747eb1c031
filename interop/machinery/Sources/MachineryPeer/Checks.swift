import Celeriac
import Foundation
import MachineryWire

/// Sends a task of every shape to the worker of the queue and prints one line for each result.
final class Checks {
    let server: MachineryServer
    private(set) var failed = 0

    init(server: MachineryServer) { self.server = server }

    func run() async {
        await arguments()
        await failures()
        await delaysAndRetries()
        await workflows()
        await callbacks()
    }

    func check<Value: Equatable>(
        _ name: String, _ expected: Value, _ found: () async throws -> Value
    ) async {
        do {
            let value = try await found()
            if value == expected { return print("passed \(name)") }
            print("FAILED \(name): \(value) instead of \(expected)")
        } catch {
            print("FAILED \(name): \(error)")
        }
        failed += 1
    }

    func check<Value: Equatable & Sendable>(_ name: String, _ signature: Signature<Value>, _ expected: Value) async {
        await check(name, expected) { try await Self.get(server.send(signature)) }
    }

    /// Checks the text of the error with which a call fails.
    func check<Value>(_ name: String, failsWith text: String, _ found: () async throws -> Value) async {
        await check(name, text) { try await Self.error(of: found) }
    }

    static func get<Value: Sendable>(_ result: AsyncResult<Value>) async throws -> Value {
        try await result.get(timeout: .seconds(60), every: .milliseconds(20))
    }

    static func error<Value>(of found: () async throws -> Value) async throws -> String {
        do {
            return "\(try await found()), which is no error"
        } catch let error as RemoteTaskError {
            return error.message ?? ""
        }
    }

    /// A signature whose result this program can await even if another program sends it.
    func identified<Value>(_ signature: Signature<Value>) throws -> MachinerySignature {
        try server.signature(signature, options: SendOptions(taskID: "task_" + UUID().uuidString.lowercased()))
    }

    /// Waits for the result of a task that another program sends.
    func get(_ signature: MachinerySignature) async throws -> WireValue {
        try await Self.get(server.result(signature.uuid))
    }
}
