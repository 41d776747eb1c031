import CeleriacWire
import CeleryWire
import Foundation
import Testing

/// The readers find in the captures exactly what `inventory.py`, which shares no code with the package, counts.
@Suite struct CeleryInventoryTests {
    @Test func everyMessageAndResultIsFoundAndSorted() throws {
        let url = CaptureFile.folder.appending(path: "INVENTORY.json")
        let expected = try #require(try WireJSON.decode([UInt8](Data(contentsOf: url))).objectValue)
        let files = CaptureFile.all
        #expect(files.map(\.name) == Array(expected.keys))
        let messages = Dictionary(grouping: CapturedMessage.all, by: \.file)
        for file in files {
            var counts: [String: Int64] = [:]
            func add(_ kind: String, _ count: Int = 1) {
                if count > 0 { counts[kind, default: 0] += Int64(count) }
            }
            add("envelopes", file.envelopes.count)
            add("amqp_messages", file.amqpMessages.count)
            add("groups", file.groups.count)
            add("results", file.results.count)
            add("sql_results", file.sqlResults.count)
            add("sql_groups", file.sqlGroups.count)
            for message in messages[file.name] ?? [] {
                switch message.kind {
                case .task(let task): add("tasks_v\(task.protocolVersion)")
                case .result: add("results")
                case .refused(.pickleRefused): add("refused_pickle")
                case .refused(.disallowedContentType): add("refused_signed")
                case .refused(.unknownCompression) where message.needsCompressionTrait:
                    add(message.message.headers["task"] == nil ? "tasks_v1" : "tasks_v2")
                case .refused(let code): Issue.record("\(file.name): refused as \(code)")
                case .other: add("other_messages")
                case .failed(let error): Issue.record("\(file.name): \(error)")
                }
            }
            let wanted = (expected[file.name]?.objectValue ?? [:]).compactMap { key, value in
                value.int64Value.map { (key, $0) }
            }
            #expect(counts == Dictionary(uniqueKeysWithValues: wanted), "\(file.name)")
        }
    }

    @Test func theCapturesHoldEveryVariety() {
        let tasks = CapturedMessage.all.compactMap(\.task)
        #expect(Set(tasks.map(\.protocolVersion)) == [1, 2])
        #expect(Set(tasks.map(\.serializer)) == CapturedMessage.accept)
        #if Compression
        #expect(Set(tasks.compactMap(\.compression)) == [.zlib, .bzip2, .xz])
        #else
        #expect(Set(tasks.compactMap(\.compression)) == [.zlib])
        #endif
    }
}
