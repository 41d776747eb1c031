import CeleriacWire
import CeleryWire
import FoundationEssentials
import Testing

@Suite struct TaskEncodingTests {
    private let task = CeleryTaskMessage(task: "t", id: "i", args: [2, 3], kwargs: ["k": "v"])

    @Test func writesWhatCeleryWrites() throws {
        let message = try task.encode()
        #expect(
            String(decoding: try WireJSON.encode(.object(message.headers), style: .python), as: UTF8.self) == """
                {"lang": "swift", "task": "t", "id": "i", "shadow": null, "eta": null, "expires": null, "group": null, \
                "group_index": null, "retries": 0, "timelimit": [null, null], "root_id": "i", "parent_id": null, \
                "argsrepr": "(2, 3)", "kwargsrepr": "{'k': 'v'}", "origin": null, "ignore_result": null, \
                "replaced_task_nesting": 0, "stamped_headers": null, "stamps": {}}
                """)
        #expect(
            String(decoding: message.body, as: UTF8.self)
                == #"[[2, 3], {"k": "v"}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]"#)
        #expect(
            message.properties
                == MessageProperties(
                    contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 2, priority: 0,
                    correlationID: "i", replyTo: ""))
    }

    @Test func keepsThePropertiesThatAreSet() throws {
        var task = task
        task.properties = MessageProperties(
            deliveryMode: 1, priority: 7, correlationID: "c", replyTo: "r", expiration: "1000",
            other: ["periodic_task_name": "p"])
        let properties = try task.encode().properties
        #expect(properties.deliveryMode == 1)
        #expect(properties.priority == 7)
        #expect(properties.correlationID == "c")
        #expect(properties.replyTo == "r")
        #expect(properties.expiration == "1000")
        #expect(properties.other == ["periodic_task_name": "p"])
    }

    @Test(arguments: [CelerySerializer.json, .msgpack, .yaml], [nil, CompressionMethod.zlib])
    func everySerializerComesBack(_ serializer: CelerySerializer, _ compression: CompressionMethod?) throws {
        var task = task
        task.serializer = serializer
        task.compression = compression
        task.args = [nil, true, -5, 1.5, "h\u{e9} \u{1f600}", [1, [2]], ["a": ["b": nil]]]
        task.embed = CeleryEmbed(
            callbacks: [["task": "c"]], errbacks: [["task": "e"]], chain: [["task": "n"]], chord: ["task": "d"])
        task.eta = "2030-01-02T03:04:05+00:00"
        task.timeLimit = CeleryTimeLimit(hard: 30, soft: 20.5)
        task.stampedHeaders = ["s"]
        task.stamps = ["s": 1]
        task.otherHeaders = ["traceparent": "x"]
        let message = try task.encode()
        #expect(message.properties.contentType == serializer.contentType)
        #expect(message.headers["compression"]?.stringValue == compression?.celeryMIMEType)
        var again = try CeleryTaskMessage.decode(message, accept: [serializer])
        #expect(again.properties == message.properties)
        #expect(again.rootID == "i")
        again.properties = task.properties
        again.rootID = nil
        again.argsrepr = nil
        again.kwargsrepr = nil
        #expect(again == task)
    }

    @Test func bytesInJSONBecomeTypeEnvelopes() throws {
        var task = task
        task.args = [.bytes([0x68, 0x69]), [.bytes([0xff])]]
        task.kwargs = [:]
        let body = String(decoding: try task.encode().body, as: UTF8.self)
        #expect(
            body.hasPrefix(
                #"[[{"__type__": "bytes", "__value__": "hi"}, [{"__type__": "base64", "__value__": "/w=="}]], {}, "#))
        task.serializer = .msgpack
        #expect(try CeleryTaskMessage.decode(task.encode(), accept: [.msgpack]).args == task.args)
    }

    @Test func nonFiniteNumbersAreOptional() throws {
        var task = task
        task.args = [.double(.nan), .double(.infinity)]
        #expect(failure { () throws(CeleryWireError) in try task.encode() }?.code == .unrepresentable)
        let message = try task.encode(nonFinite: .allow)
        #expect(String(decoding: message.body, as: UTF8.self).hasPrefix("[[NaN, Infinity], "))
        #expect(try CeleryTaskMessage.decode(message).args.count == 2)
    }

    @Test func whatDecodeRefusesIsNotWritten() {
        func field(_ change: (inout CeleryTaskMessage) -> Void) -> String? {
            var task = task
            change(&task)
            let error = failure { () throws(CeleryWireError) in try task.encode() }
            #expect(error != nil)
            return error?.field
        }
        #expect(field { $0.id = "" } == "id")
        #expect(field { $0.task = "" } == "task")
        #expect(field { $0.embed.chain = [1] } == "chain")
        #expect(field { $0.embed.callbacks = ["task": "x"] } == "callbacks")
        #expect(field { $0.timeLimit.hard = .nan } == "timelimit")
        #expect(field { $0.timeLimit.soft = -1 } == "timelimit")
        #expect(field { $0.otherHeaders = ["task": "x"] } == "task")
        #expect(field { $0.otherHeaders = ["compression": "x"] } == "compression")
        #expect(failure { () throws(CeleryWireError) in try task.encode(protocolVersion: 3) }?.code == .unrepresentable)
        var pickled = task
        pickled.serializer = .pickle
        #expect(failure { () throws(CeleryWireError) in try pickled.encode() }?.code == .pickleRefused)
    }

    @Test func protocol1() throws {
        var task = task
        task.group = "g"
        task.groupIndex = 1
        task.utc = false
        task.embed.callbacks = [["task": "c"]]
        task.otherHeaders = ["x": 1]
        let message = try task.encode(protocolVersion: 1)
        #expect(message.headers == ["x": 1])
        #expect(
            String(decoding: message.body, as: UTF8.self) == """
                {"task": "t", "id": "i", "args": [2, 3], "kwargs": {"k": "v"}, "group": "g", "group_index": 1, \
                "retries": 0, "eta": null, "expires": null, "utc": false, "callbacks": [{"task": "c"}], "errbacks": \
                null, "timelimit": [null, null], "taskset": "g", "chord": null}
                """)
        task.embed.chain = []
        #expect(try task.encode(protocolVersion: 1).body == message.body)
        task.embed.chain = [["task": "n"]]
        let error = failure { () throws(CeleryWireError) in try task.encode(protocolVersion: 1) }
        #expect(error?.code == .unrepresentable)
        #expect(error?.field == "chain")
    }

    @Test func argumentsCanBeHidden() throws {
        var task = task
        task.argsrepr = "(hidden)"
        task.kwargsrepr = ""
        let headers = try task.encode().headers
        #expect(headers["argsrepr"] == "(hidden)")
        #expect(headers["kwargsrepr"] == "")
        let short = try CeleryTaskMessage(task: "t", id: "i", args: ["abcdefghij"])
            .encode(representation: PythonRepr(maximumLength: 5)).headers
        #expect(short["argsrepr"] == "('abcd...',)")
    }
}
