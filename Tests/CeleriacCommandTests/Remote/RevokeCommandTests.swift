import ArgumentParser
import CeleriacTestKit
import CeleriacWire
import Testing

@testable import CeleriacCommand

@Suite("celeriac revoke") struct RevokeCommandTests {
    @Test("takes ids from the line and from standard input, and stamps with several values")
    func arguments() throws {
        #expect(RevokeCommand.ids(["a", "-", "b"]) { Array("c\n d\t\n\n".utf8) } == ["a", "c", "d", "b"])
        let headers = try RevokeCommand.headers(["customer=acme", "run=1=2", "customer="])
        #expect(headers == ["customer": ["acme", ""], "run": ["1=2"]])
        for wrong in ["customer", "=acme"] {
            #expect(throws: ValidationError.self) { try RevokeCommand.headers([wrong]) }
        }
    }

    @Test("wants either ids or stamps, and drain either names or all")
    func wrongLines() async throws {
        for words in [
            ["revoke"], ["revoke", "a", "--stamp", "b=c"], ["revoke", "--stamp", "b"], ["drain"],
            ["drain", "--all", "-d", "w@h"], ["drain", "--all", "--within", "-1"],
        ] {
            let run = try await CommandRun(words + ["-b", "memory://"])
            #expect(run.status == .exited(64), "\(words): \(run.errors)")
        }
    }
}
