import Foundation
import TestSupport
import Testing

/// The page that lists the rights of Redis's users names the commands that the sources use, and no others.
@Suite("The page of Redis's rights") struct RedisRightsPageTests {
    /// Commands that need no right, or that the page speaks of elsewhere: those of sentinels and clusters.
    private static let apart: Set<String> = ["AUTH", "HELLO", "SENTINEL", "ASKING", "CLUSTER"]
    /// What only the verbs of `celeriac` ask for.
    private static let verbs: Set<String> = [
        "CeleryRedisBroker+Census.swift", "CeleryRedisBroker+Examination.swift", "CeleryRedisBroker+Events.swift",
        "CeleryRedisBroker+Pausing.swift", "CeleryRedisBroker+Returning.swift", "MachineryRedisClaims.swift",
        "MachineryRedisBroker+Moving.swift",
    ]

    /// The commands in the sources of some targets, for workers and for verbs.
    private func commands(in targets: [String]) throws -> (worker: Set<String>, verbs: Set<String>) {
        // A script that is called by its hash is not named by a command.
        var (worker, verbs): (Set<String>, Set<String>) = (["EVAL", "EVALSHA"], [])
        for target in targets {
            let folder = "\(RedisRightsPage.root)/Sources/\(target)"
            let files = try #require(FileManager.default.enumerator(atPath: folder))
            for case let path as String in files where path.hasSuffix(".swift") {
                // With Machinery nothing is subscribed to, and the lock is another.
                let isCelerysOwn = path.hasPrefix("PubSub/") || path == "RedisLock.swift"
                if isCelerysOwn, !targets.contains("CeleryDialect") { continue }
                let source = try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)
                let isVerb = path.split(separator: "/").last.map { Self.verbs.contains(String($0)) } == true
                if isVerb { verbs.formUnion(named(in: source)) } else { worker.formUnion(named(in: source)) }
            }
        }
        worker.subtract(Self.apart)
        return (worker, verbs.subtracting(worker).subtracting(Self.apart))
    }

    /// The commands that a source sends, or calls in a script.
    private func named(in source: String) -> Set<String> {
        var names = Set(source.matches(of: /RedisCommand\(\s*"([A-Z]+)"/).map { String($0.output.1) })
        for call in source.matches(of: /redis\.p?call\(([^,\)]*)/) {
            // A script may choose between two.
            names.formUnion(call.output.1.matches(of: /["']([A-Z]{3,})["']/).map { String($0.output.1) })
        }
        return names.union(source.matches(of: /case (p?(?:un)?subscribe)\n/).map { $0.output.1.uppercased() })
    }

    /// The names in a list, without what stands before and behind them.
    private func named(in rights: [String]) -> Set<String> {
        Set(
            rights.filter { $0 != "-@all" }.map { right in
                right.dropFirst().prefix { $0 != "|" }.uppercased()
            })
    }

    @Test("lists what workers and clients of each dialect send, and what verbs send besides")
    func commands() throws {
        let page = try RedisRightsPage()
        let shared = ["CeleriacRedis", "CeleriacQueues"]
        let celery = try commands(in: shared + ["CeleryDialect"])
        let machinery = try commands(in: shared + ["MachineryDialect"])
        for (role, found) in [(RedisRightsPage.Role.celery, celery), (.machinery, machinery)] {
            let listed = named(in: page.commands(of: role))
            #expect(found.worker.count > 30 && page.commands(of: role).first == "-@all")
            #expect(listed == found.worker, "\(role): \(listed.symmetricDifference(found.worker).sorted())")
        }
        let verbs = celery.verbs.union(machinery.verbs)
        let listed = named(in: page.commands(of: .verbs))
        #expect(listed == verbs, "\(listed.symmetricDifference(verbs).sorted())")
    }
}
