import ArgumentParser
import Foundation
import Testing

@testable import CeleriacCommand

@Suite("User and group of a worker") struct PrivilegesTests {
    @Test("those that the process has already are no change")
    func own() throws {
        try Privileges(user: nil, group: nil).assume()
        try Privileges(user: "\(geteuid())", group: "\(getegid())").assume()
    }

    @Test("those that the system does not know are refused by name")
    func unknown() {
        let user = #expect(throws: ValidationError.self) { try Privileges(user: "no-such-user", group: nil) }
        #expect(user?.message.contains("no-such-user") == true)
        let group = #expect(throws: ValidationError.self) { try Privileges(user: nil, group: "no-such-group") }
        #expect(group?.message.contains("no-such-group") == true)
    }

    @Test("a process that is not root stays what it is", .enabled(if: geteuid() != 0))
    func others() {
        #expect(throws: ValidationError.self) { try Privileges(user: "0", group: "0").assume() }
    }
}
