import Foundation
import TestSupport
import Testing

@testable import CeleriacCommand

/// Whoever finds a parked message looks up its reason.
@Suite("The reasons for parking") struct ParkedReasonTests {
    /// Codes that no message of a task can have at a worker: they are of results, of remote control, or of what is sent.
    private static let celerysOther: Set = [
        "chordsUnsupported", "malformedResult", "malformedControl", "malformedEvent", "unrepresentable",
    ]
    /// Codes that Machinery's messages have at a bridge only: at a worker such arguments make the task fail.
    private static let machinerysOther: Set = [
        "unsupportedType", "valueMismatch", "valueOutOfRange", "unsupportedHeader", "nonFinite",
    ]

    private func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(RedisRightsPage.root)/\(path)", encoding: .utf8)
    }

    /// The reasons that the sources of targets give.
    private func given(in targets: [String]) throws -> Set<String> {
        var names: Set<String> = []
        for target in targets {
            let folder = "Sources/\(target)"
            let files = try #require(FileManager.default.enumerator(atPath: "\(RedisRightsPage.root)/\(folder)"))
            // Messages of remote control are not parked.
            for case let path as String in files where path.hasSuffix(".swift") && !path.hasPrefix("Control/") {
                let source = try text("\(folder)/\(path)")
                let literal = /(?:reason|fault): (?:[\w.]+ \? )?"([A-Za-z]+)"/
                names.formUnion(source.matches(of: literal).map { String($0.output.1) })
                if path.hasSuffix("Ledger+Parking.swift") {
                    names.formUnion(source.matches(of: /static let \w+ = "([A-Za-z]+)"/).map { String($0.output.1) })
                }
            }
        }
        return names
    }

    /// The codes that a source declares.
    private func codes(in path: String) throws -> Set<String> {
        Set(try text(path).matches(of: /\(rawValue: "([A-Za-z]+)"\)/).map { String($0.output.1) })
    }

    /// The reasons in the first cells of a section's table.
    private func listed(in page: String, under title: String) throws -> Set<String> {
        let lines = try text("Sources/Celeriac/Celeriac.docc/\(page).md").split(separator: "\n")
        let section = lines.drop { $0 != "## \(title)" }.dropFirst().prefix { !$0.hasPrefix("## ") }
        var names: Set<String> = []
        for line in section where line.hasPrefix("| `") {
            let cell = line.dropFirst().prefix { $0 != "|" }
            names.formUnion(cell.matches(of: /`(\w+)`/).map { String($0.output.1) })
        }
        return names
    }

    private func workers() throws -> Set<String> {
        let given = try given(in: ["CeleriacCore", "CeleriacQueues", "CeleryDialect", "MachineryDialect"])
        let celerys = try codes(in: "Sources/CeleryWire/CeleryWireError.swift")
        let machinerys = try codes(in: "Sources/MachineryWire/MachineryWireError.swift")
        return given.union(celerys.subtracting(Self.celerysOther)).union(machinerys.subtracting(Self.machinerysOther))
    }

    private func bridges() throws -> Set<String> {
        var names = try given(in: ["CeleriacBridge"])
        // Told in a result.
        names.remove("withdrawn")
        names.formUnion(Self.machinerysOther)
        names.formUnion(try codes(in: "Sources/CeleriacBridge/Translation/ValueTranslation.swift"))
        let route = try text("Sources/CeleriacBridge/Routes/BridgeRoute.swift")
        let parts = String(route.split(separator: "enum CarriedPart").last?.prefix { $0 != "}" } ?? "")
        names.formUnion(parts.matches(of: /case (\w+)/).map { String($0.output.1) })
        return names
    }

    @Test("stand on the page of guarantees, as the sources give them")
    func page() throws {
        let (given, listed) = (try workers(), try listed(in: "DeliveryGuarantees", under: "What is parked, and why"))
        #expect(given.count > 20)
        #expect(listed == given, "\(listed.symmetricDifference(given).sorted())")
    }

    @Test("of a bridge stand on its page")
    func bridgePage() throws {
        let (given, listed) = (try bridges(), try listed(in: "Bridges", under: "What is refused"))
        #expect(given.count > 20)
        #expect(listed == given, "\(listed.symmetricDifference(given).sorted())")
    }

    @Test("are named to whoever asks for one that does not exist")
    func doubt() throws {
        let all = try workers().union(bridges())
        let known = Set(ParkedReasons.all)
        #expect(known == all, "\(known.symmetricDifference(all).sorted())")
        #expect(ParkedReasons.all == ParkedReasons.all.sorted())
        #expect(ParkedReasons.doubt(about: "resultNotStored") == nil)
        let doubt = ParkedReasons.doubt(about: "bogus")
        #expect(doubt?.contains("bogus") == true && doubt?.contains("tooManyAttempts") == true)
    }
}
