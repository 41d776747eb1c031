import CeleriacWire
import CeleryWire
import FoundationEssentials
import Testing

@Suite struct ResultMetaTests {
    private func decode(_ text: String) throws(CeleryWireError) -> CeleryResultMeta {
        try CeleryResultMeta.decode(Array(text.utf8))
    }

    @Test func writesWhatCeleryWrites() throws {
        var meta = CeleryResultMeta(
            status: "SUCCESS", result: 5, children: [], dateDone: "2026-11-23T03:14:36.341511+00:00", taskID: "i")
        let text = """
            {"status": "SUCCESS", "result": 5, "traceback": null, "children": [], "date_done": \
            "2026-11-23T03:14:36.341511+00:00", "task_id": "i"}
            """
        #expect(String(decoding: try meta.encode(), as: UTF8.self) == text)
        #expect(try decode(text) == meta)
        meta.groupID = "g"
        meta.parentID = "p"
        meta.extended = CeleryExtendedResult(name: "t", args: [1], kwargs: [:], worker: "w", retries: 1)
        meta.other = ["stamped_headers": ["s"], "s": "v"]
        let extended = """
            {"status": "SUCCESS", "result": 5, "traceback": null, "children": [], "date_done": \
            "2026-11-23T03:14:36.341511+00:00", "group_id": "g", "parent_id": "p", "name": "t", "args": [1], "kwargs": \
            {}, "worker": "w", "retries": 1, "queue": null, "stamped_headers": ["s"], "s": "v", "task_id": "i"}
            """
        #expect(String(decoding: try meta.encode(), as: UTF8.self) == extended)
        #expect(try decode(extended) == meta)
    }

    @Test func emptyGroupAndParentAreLeftOut() throws {
        let meta = CeleryResultMeta(status: "SUCCESS", taskID: "i", groupID: "", parentID: "")
        let text = String(decoding: try meta.encode(), as: UTF8.self)
        #expect(!text.contains("group_id"))
        #expect(!text.contains("parent_id"))
    }

    @Test func furtherKeysDoNotReplaceCelerys() throws {
        let meta = CeleryResultMeta(
            status: "SUCCESS", result: 1, taskID: "i", other: ["status": "FAILURE", "task_id": "j", "x": 1])
        let again = try CeleryResultMeta.decode(meta.encode())
        #expect(again.status == "SUCCESS")
        #expect(again.taskID == "i")
        #expect(again.other == ["x": 1])
    }

    @Test func aResultWithoutIDIsNotWritten() {
        let meta = CeleryResultMeta(status: "SUCCESS", taskID: "")
        #expect(failure { () throws(CeleryWireError) in try meta.encode() }?.field == "task_id")
    }

    @Test(arguments: [CelerySerializer.json, .msgpack, .yaml], [nil, CompressionMethod.zlib])
    func everySerializerComesBack(_ serializer: CelerySerializer, _ compression: CompressionMethod?) throws {
        let meta = CeleryResultMeta(status: "SUCCESS", result: ["a": [1.5, nil]], taskID: "i")
        let bytes = try meta.encode(serializer: serializer, compression: compression)
        #expect(bytes.starts(with: [0] + Array("celery-compressed".utf8) + [0]) == (compression != nil))
        #expect(try CeleryResultMeta.decode(bytes, serializer: serializer) == meta)
    }

    @Test func compressedResultsThatCannotBeRead() {
        func error(_ rest: String) -> CeleryWireError? {
            failure { () throws(CeleryWireError) in
                try CeleryResultMeta.decode([0] + Array("celery-compressed\u{0}\(rest)".utf8))
            }
        }
        func code(_ rest: String) -> CeleryWireError.Code? { error(rest)?.code }
        #expect(error("application/x-other\u{0}abc")?.message.contains("\"application/x-other\"") == true)
        #expect(code("") == .unknownCompression)
        #expect(code("application/x-gzip") == .unknownCompression)
        #expect(code("application/x-other\u{0}abc") == .unknownCompression)
        #expect(code("application/x-gzip\u{0}abc") == .undecodableBody)
    }

    @Test(arguments: ["", "null", "[]", "5", "{}", #"{"status": 5}"#, #"{"status": ""}"#, "{", #"{"result": 1}"#])
    func refusesWhatIsNoResult(_ text: String) {
        let error = failure { () throws(CeleryWireError) in try decode(text) }
        #expect(error?.code == .malformedResult)
    }

    @Test func refusesPickle() {
        let error = failure { () throws(CeleryWireError) in try CeleryResultMeta.decode([0x80, 4, 0x4b, 5, 0x2e]) }
        #expect(error?.code == .pickleRefused)
    }

    /// What clients in other languages have been seen to store.
    @Test func readsWhatOthersWrite() throws {
        let node = try decode(#"{"status": "FAILURE", "result": null, "traceback": {"x": 1}, "children": null}"#)
        #expect(node.taskID == "")
        #expect(node.traceback == nil)
        #expect(node.exception == CeleryRemoteException(excType: "Exception"))
        let old = try decode(
            #"{"status": "SUCCESS", "result": 1, "date_done": "2026-11-23T03:14:36.5", "task_id": null}"#)
        #expect(old.dateDoneDate() == Date(timeIntervalSince1970: 1_795_403_676.5))
        #expect(try decode(#"{"status": "SUCCESS", "date_done": 5}"#).dateDone == nil)
        #expect(try decode(#"{"status": "PROGRESS", "result": {"done": 1}}"#).exception == nil)
    }

    @Test func readsAnRPCReply() throws {
        let message = WireMessage(
            properties: MessageProperties(contentType: "application/json", correlationID: "i"),
            body: Array(#"{"status": "REVOKED", "result": {"exc_type": "TaskRevokedError"}, "task_id": "i"}"#.utf8))
        let meta = try CeleryResultMeta.decode(message)
        #expect(meta.state == .revoked)
        #expect(meta.exception?.excType == "TaskRevokedError")
        var pickled = message
        pickled.properties.contentType = "application/x-python-serialize"
        #expect(
            failure { () throws(CeleryWireError) in try CeleryResultMeta.decode(pickled) }?.code == .pickleRefused)
    }

    @Test func states() {
        #expect(CeleryTaskState.success.isReady)
        #expect(CeleryTaskState.failure.isReady && CeleryTaskState.failure.isFailure)
        #expect(CeleryTaskState.revoked.isReady && CeleryTaskState.revoked.isFailure)
        #expect(!CeleryTaskState.retry.isReady && CeleryTaskState.retry.hasException)
        for state in [CeleryTaskState.pending, .received, .started, .rejected, .ignored, .init(rawValue: "PROGRESS")] {
            #expect(!state.isReady && !state.hasException)
        }
    }
}
