import CeleriacWire
import Foundation

/// The cases of one dialect and tier, as the files of `Compat/kit` have them.
struct Corpus: Sendable {
    /// The task systems that the corpus has cases for.
    enum Dialect: String, Sendable, CaseIterable {
        case celery, machinery
    }

    /// The version of the form of the files that this program reads.
    static let version = "1"

    let cases: [ConformanceCase]

    /// Makes a corpus of cases.
    init(_ cases: [ConformanceCase]) { self.cases = cases }

    /// Reads the files of a folder that are named after the tier, or whose names begin with its and a hyphen.
    ///
    /// - Throws: ``ConformanceError`` if there are none, or one cannot be used.
    init(folder: String, dialect: Dialect, tier: String) throws(ConformanceError) {
        let path = "\(folder)/\(dialect.rawValue)"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        var cases: [ConformanceCase] = []
        let own = names.filter { $0 == "\(tier).json" || $0.hasPrefix("\(tier)-") && $0.hasSuffix(".json") }
        for name in own.sorted() {
            guard let data = FileManager.default.contents(atPath: "\(path)/\(name)") else { continue }
            do {
                cases += try Self.cases(in: [UInt8](data))
            } catch {
                throw ConformanceError("\(path)/\(name): \(error)")
            }
        }
        guard !cases.isEmpty else {
            throw ConformanceError("there are no cases in \(path); name the kit's folder with --kit")
        }
        var known: Set<String> = []
        for testCase in cases where !known.insert(testCase.id).inserted {
            throw ConformanceError("\(path) has two cases \(testCase.id)")
        }
        self.init(cases)
    }

    private static func cases(in file: [UInt8]) throws -> [ConformanceCase] {
        let value = try WireJSON.decode(file, limits: .kit)
        guard let kit = value["kit"]?.stringValue, kit.split(separator: ".").first.map(String.init) == version else {
            throw ConformanceError("this program reads version \(version) of the kit")
        }
        return try (value["cases"]?.arrayValue ?? []).map { try ConformanceCase($0) }
    }

    /// The cases whose ids begin with one of the prefixes; all if there are none. With a seed, in an order that it decides.
    func chosen(prefixes: [String], seed: UInt64?) -> [ConformanceCase] {
        let chosen = cases.filter { testCase in prefixes.isEmpty || prefixes.contains { testCase.id.hasPrefix($0) } }
        guard let seed else { return chosen }
        var generator = SeededGenerator(state: seed)
        return chosen.shuffled(using: &generator)
    }
}

/// SplitMix64: the same numbers for the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
