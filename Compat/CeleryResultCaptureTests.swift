import CeleriacWire
import CeleryWire
import Testing

/// Every result of every capture, from stores, channels and rpc replies.
@Suite struct CeleryResultCaptureTests {
    private func stored() throws -> [(file: String, bytes: [UInt8], meta: CeleryResultMeta)] {
        try CaptureFile.all.flatMap { file in
            try file.results.map { (file.name, $0, try CeleryResultMeta.decode($0)) }
        }
    }

    private func replies() throws -> [(file: String, bytes: [UInt8], meta: CeleryResultMeta)] {
        try CapturedMessage.all.filter { $0.kind == .result }.map {
            ($0.file, $0.message.body, try CeleryResultMeta.decode($0.message))
        }
    }

    @Test func everyResultIsWrittenBackByteForByte() throws {
        let all = try stored() + replies()
        #expect(all.count > 3000)
        for (file, bytes, meta) in all {
            guard bytes.first == 0 else {
                #expect(try meta.encode() == bytes, "\(file)")
                continue
            }
            // Compressors may differ, so compare the decompressed content.
            let again = try meta.encode(compression: .zlib)
            #expect(try CeleryResultMeta.decode(again) == meta)
            #expect(again.prefix(37) == bytes.prefix(37))
        }
    }

    @Test func everyFailureIsAnException() throws {
        var types: Set<String> = []
        for (file, _, meta) in try stored() + replies() where meta.state.hasException {
            let exception = try #require(meta.exception)
            #expect(exception.encode() == meta.result, "\(file)")
            types.insert("\(exception.excModule ?? "").\(exception.excType)")
        }
        #expect(types.isSuperset(of: ["builtins.ValueError", "celery.exceptions.TaskRevokedError"]))
    }

    @Test func everyChildIsAReference() throws {
        var count = 0
        for (file, _, meta) in try stored() + replies() {
            for child in meta.children?.arrayValue ?? [] {
                #expect(try CeleryResultTuple.decode(child).encode() == child, "\(file)")
                count += 1
            }
        }
        #expect(count > 10)
    }

    @Test func everyTimeIsRead() throws {
        for (file, _, meta) in try stored() + replies() {
            #expect((meta.dateDoneDate() == nil) == (meta.dateDone == nil), "\(file)")
            #expect((meta.dateDone == nil) == !meta.state.isReady, "\(file)")
        }
    }

    @Test func everyGroupIsWrittenBackByteForByte() throws {
        for file in CaptureFile.all {
            for bytes in file.groups {
                let group = try CeleryResultTuple.decodeGroup(bytes)
                #expect(group.members?.isEmpty == false)
                #expect(try group.encodeGroup() == bytes, "\(file.name)")
            }
        }
    }

    /// The SQL store keeps each part of a result, serialized, in a separate column.
    @Test func rowsOfTheSQLStoreAreRead() throws {
        var rows = 0
        for file in CaptureFile.all {
            for row in file.sqlResults {
                var object: WireObject = [:]
                for (name, value) in row where name != "id" && name != "stamps" {
                    let isBlob = ["result", "children", "args", "kwargs"].contains(name)
                    object[name] = try isBlob ? value.stringValue.map { try WireJSON.decode(Array($0.utf8)) } : value
                }
                let meta = try CeleryResultMeta.decode(WireJSON.encode(.object(object)))
                #expect(meta.taskID == row["task_id"]?.stringValue)
                #expect(meta.extended?.name?.hasPrefix("capapp.") == true)
                #expect(meta.dateDoneDate() != nil)
                #expect(meta.state != .failure || meta.exception?.excType == "ValueError")
                for child in meta.children?.arrayValue ?? [] { _ = try CeleryResultTuple.decode(child) }
                rows += 1
            }
            for row in file.sqlGroups {
                let blob = try #require(row["result"]?.stringValue)
                let group = try CeleryResultTuple.decode(WireJSON.decode(Array(blob.utf8)))
                #expect(group.id == row["taskset_id"]?.stringValue)
                rows += 1
            }
        }
        #expect(rows == 8)
    }
}
