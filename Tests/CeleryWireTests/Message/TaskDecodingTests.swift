import CeleriacWire
import CeleryWire
import Testing

@Suite struct TaskDecodingTests {
    @Test func readsEveryHeaderOfProtocol2() throws {
        let message = Samples.protocol2(
            headers: [
                "shadow": "shown", "eta": "2030-01-02T03:04:05+00:00", "expires": "2031-01-02T03:04:05", "group": "g",
                "group_index": 3, "retries": 2, "timelimit": [30, 20.5], "root_id": "root", "parent_id": "parent",
                "ignore_result": true, "replaced_task_nesting": 1, "stamped_headers": ["a"], "stamps": ["a": [1, 2]],
                "traceparent": "00-1-2-01", "redelivered": true,
            ],
            body:
                #"[[1], {"k": null}, {"callbacks": [{"task": "c"}], "errbacks": [], "chain": [], "chord": {"task": "d"}}]"#
        )
        let task = try CeleryTaskMessage.decode(message)
        #expect(task.protocolVersion == 2)
        #expect(task.id == Samples.id)
        #expect(task.task == "capapp.add")
        #expect(task.args == [1])
        #expect(task.kwargs == ["k": nil])
        #expect(task.embed == CeleryEmbed(callbacks: [["task": "c"]], errbacks: [], chain: [], chord: ["task": "d"]))
        #expect(task.shadow == "shown")
        #expect(task.eta == "2030-01-02T03:04:05+00:00")
        #expect(task.expires == "2031-01-02T03:04:05")
        #expect(task.group == "g")
        #expect(task.groupIndex == 3)
        #expect(task.retries == 2)
        #expect(task.timeLimit == CeleryTimeLimit(hard: 30, soft: 20.5))
        #expect(task.rootID == "root")
        #expect(task.parentID == "parent")
        #expect(task.ignoreResult == true)
        #expect(task.replacedTaskNesting == 1)
        #expect(task.stampedHeaders == ["a"])
        #expect(task.stamps == ["a": [1, 2]])
        #expect(task.lang == "py")
        #expect(task.origin == "gen1@vm")
        #expect(task.argsrepr == "(2, 3)")
        #expect(task.kwargsrepr == "{}")
        #expect(task.otherHeaders == ["traceparent": "00-1-2-01"])
        #expect(task.serializer == .json)
        #expect(task.compression == nil)
        #expect(task.properties == message.properties)
    }

    @Test func onlyIDAndNameAreRequired() throws {
        let message = Samples.message(headers: ["task": "t", "id": "i"], body: "[[], {}, null]")
        let task = try CeleryTaskMessage.decode(message)
        #expect(task.retries == 0)
        #expect(task.ignoreResult == nil)
        #expect(task.timeLimit == CeleryTimeLimit())
        #expect(task.embed == CeleryEmbed())
        #expect(task.rootID == nil)
        #expect(task.stamps.isEmpty)
        #expect(task.lang == nil)
    }

    @Test func nullIsAsGoodAsAbsent() throws {
        let names = [
            "lang", "shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id", "parent_id",
            "argsrepr", "kwargsrepr", "origin", "ignore_result", "replaced_task_nesting", "stamped_headers", "stamps",
            "compression",
        ]
        let nulls = WireObject(names.map { ($0, WireValue.null) })
        let task = try CeleryTaskMessage.decode(Samples.protocol2(headers: nulls, body: "[null, null, {}]"))
        #expect(task.args.isEmpty)
        #expect(task.kwargs.isEmpty)
        #expect(task.retries == 0)
        #expect(task.ignoreResult == nil)
    }

    @Test func toleratesWhatAWorkerDoesNotLookAt() throws {
        let task = try CeleryTaskMessage.decode(
            Samples.protocol2(headers: [
                "lang": 1, "shadow": [], "origin": false, "argsrepr": 5, "kwargsrepr": [:], "root_id": 7,
                "parent_id": 8, "replaced_task_nesting": "x",
            ]))
        #expect(task.shadow == nil)
        #expect(task.rootID == nil)
        #expect(task.parentID == nil)
        #expect(task.replacedTaskNesting == 0)
    }

    @Test func ignoreResultIsPythonsTruth() throws {
        func ignored(_ value: WireValue) throws -> Bool? {
            try CeleryTaskMessage.decode(Samples.protocol2(headers: ["ignore_result": value])).ignoreResult
        }
        #expect(try ignored(1) == true)
        #expect(try ignored(0) == false)
        #expect(try ignored(false) == false)
        #expect(try ignored(nil) == nil)
    }

    @Test func numbersMayBeFloatsWithoutFraction() throws {
        let task = try CeleryTaskMessage.decode(
            Samples.protocol2(headers: ["retries": 2.0, "group_index": 1.0, "timelimit": [900.0, 0]]))
        #expect(task.retries == 2)
        #expect(task.groupIndex == 1)
        // Zero means no limit, as in Celery.
        #expect(task.timeLimit == CeleryTimeLimit(hard: 900, soft: nil))
    }

    private static let malformedHeaders: [(String, WireValue)] = [
        ("id", 5), ("id", .null), ("id", ""), ("task", .null), ("task", ["x"]), ("task", ""),
        ("eta", 5), ("expires", ["x"]), ("group", 1), ("group_index", "1"), ("group_index", 1.5),
        ("group_index", .number("1180591620717411303424")), ("retries", "one"), ("retries", .double(.nan)),
        ("retries", true), ("timelimit", [5]), ("timelimit", [1, 2, 3]), ("timelimit", 5), ("timelimit", ["1", nil]),
        ("timelimit", [-1, nil]), ("timelimit", [.double(.infinity), nil]), ("stamped_headers", "abc"),
        ("stamped_headers", [1]), ("stamps", [1]),
    ]

    @Test(arguments: malformedHeaders)
    func refusesAHeaderByName(_ name: String, _ value: WireValue) {
        let error = failure { () throws(CeleryWireError) in
            try CeleryTaskMessage.decode(Samples.protocol2(headers: [name: value]))
        }
        #expect(error?.code == .invalidTask)
        #expect(error?.field == name)
    }

    @Test func refusesAMessageWithoutID() {
        let message = Samples.message(headers: ["task": "t"], body: "[[], {}, {}]")
        let error = failure { () throws(CeleryWireError) in try CeleryTaskMessage.decode(message) }
        #expect(error?.code == .invalidTask)
        #expect(error?.field == "id")
    }

    @Test(arguments: [
        ("[[], {}]", "body"), ("[[], {}, {}, {}]", "body"), ("[]", "body"), ("{}", "body"), ("5", "body"),
        (#"{"kwargs": {}}"#, "body"), (#"["ab", {}, {}]"#, "args"), ("[{}, {}, {}]", "args"),
        ("[[], [], {}]", "kwargs"),
        (#"[[], "k", {}]"#, "kwargs"), ("[[], {}, []]", "embed"), ("[[], {}, 1]", "embed"),
        (#"[[], {}, {"chain": [1]}]"#, "chain"), (#"[[], {}, {"callbacks": {"task": "x"}}]"#, "callbacks"),
        (#"[[], {}, {"errbacks": "x"}]"#, "errbacks"), (#"[[], {}, {"errbacks": [{}]}]"#, "errbacks"),
        (#"[[], {}, {"chord": [1]}]"#, "chord"), (#"[[], {}, {"chord": {"args": []}}]"#, "chord"),
        (#"[[], {}, {"chain": [{"task": "x", "args": 5}]}]"#, "chain"),
    ])
    func refusesABodyByItsPart(_ body: String, _ field: String) {
        let error = failure { () throws(CeleryWireError) in
            try CeleryTaskMessage.decode(Samples.protocol2(body: body))
        }
        #expect(error?.code == .invalidTask)
        #expect(error?.field == field)
    }

    @Test(arguments: ["", "nonsense", "[[], {}, {}", "[[], {}, {}] x", "\u{0}"])
    func refusesABodyThatDoesNotParse(_ body: String) {
        let error = failure { () throws(CeleryWireError) in
            try CeleryTaskMessage.decode(Samples.protocol2(body: body))
        }
        #expect(error?.code == .undecodableBody)
        #expect(error?.cause != nil)
    }

    @Test func refusesABodyPastTheLimits() {
        let deep = String(repeating: "[", count: 100_000)
        let error = failure { () throws(CeleryWireError) in
            try CeleryTaskMessage.decode(Samples.protocol2(body: deep))
        }
        #expect(error?.cause?.code == .tooDeep)
        let large = failure { () throws(CeleryWireError) in
            try CeleryTaskMessage.decode(Samples.protocol2(), limits: WireLimits(maximumMessageBytes: 10))
        }
        #expect(large?.cause?.code == .tooLarge)
    }

    // MARK: Recognition

    @Test func readsProtocol1() throws {
        let message = try Samples.protocol1([
            "group": "g", "taskset": "h", "group_index": 4, "retries": 1, "timelimit": [30, 20], "utc": false,
            "callbacks": [["task": "c"]], "errbacks": [["task": "e"]], "chord": ["task": "d"],
            "chain": [["task": "unseen"]], "eta": "2030-01-02T03:04:05+00:00",
        ])
        let task = try CeleryTaskMessage.decode(message)
        #expect(task.protocolVersion == 1)
        #expect(task.group == "h")
        #expect(task.groupIndex == 4)
        #expect(task.timeLimit == CeleryTimeLimit(hard: 30, soft: 20))
        #expect(task.utc == false)
        #expect(
            task.embed
                == CeleryEmbed(callbacks: [["task": "c"]], errbacks: [["task": "e"]], chain: nil, chord: ["task": "d"]))
        #expect(task.rootID == nil)
    }

    @Test func protocol1HasDefaults() throws {
        let message = Samples.message(headers: ["x-custom": 1], body: #"{"task": "t", "id": "i"}"#)
        let task = try CeleryTaskMessage.decode(message)
        #expect(task.args.isEmpty)
        #expect(task.kwargs.isEmpty)
        #expect(task.utc)
        #expect(task.otherHeaders == ["x-custom": 1])
    }

    @Test func protocol1IsCheckedAlike() throws {
        let cases: [(String, WireValue?)] = [
            ("kwargs", 1), ("args", "x"), ("id", 1), ("id", nil), ("task", 5), ("timelimit", [1]),
            ("callbacks", ["task": "x"]), ("retries", "x"),
        ]
        for (name, value) in cases {
            let message = try Samples.protocol1([name: value])
            let error = failure { () throws(CeleryWireError) in try CeleryTaskMessage.decode(message) }
            #expect(error?.code == .invalidTask)
            #expect(error?.field == name)
        }
    }

    @Test func readsAHybrid() throws {
        let message = Samples.message(
            headers: ["task": "header", "id": "i", "group_index": 2],
            body: """
                {"task": "body", "id": "j", "args": [1], "kwargs": {"k": 2}, "retries": 3, "group_index": 9,
                 "callbacks": [{"task": "c"}], "eta": "2030-01-02T03:04:05Z"}
                """)
        let task = try CeleryTaskMessage.decode(message)
        #expect(task.protocolVersion == 2)
        #expect(task.task == "header")
        #expect(task.id == "i")
        #expect(task.args == [1])
        #expect(task.kwargs == ["k": 2])
        #expect(task.retries == 3)
        #expect(task.groupIndex == 2)
        #expect(task.eta == "2030-01-02T03:04:05Z")
        #expect(task.embed.callbacks == [["task": "c"]])
        #expect(task.otherHeaders.isEmpty)
    }

    @Test(arguments: [#"{"status": "SUCCESS"}"#, "[1, 2, 3]", "null", "5", "[]", #""text""#])
    func otherMessagesAreNoTasks(_ body: String) {
        let error = failure { () throws(CeleryWireError) in
            try CeleryTaskMessage.decode(Samples.message(headers: ["hostname": "w"], body: body))
        }
        #expect(error?.code == .notATask)
    }

    // MARK: Serializers

    @Test func refusesContentTypesByName() {
        func code(_ type: String?, _ accept: Set<CelerySerializer> = [.json]) -> CeleryWireError.Code? {
            var message = Samples.protocol2()
            message.properties.contentType = type
            return failure { () throws(CeleryWireError) in
                try CeleryTaskMessage.decode(message, accept: accept)
            }?.code
        }
        #expect(code("application/json") == nil)
        #expect(code(nil) == .disallowedContentType)
        #expect(code("application/data") == .disallowedContentType)
        #expect(code("application/x-yaml") == .disallowedContentType)
        #expect(code("application/x-msgpack") == .disallowedContentType)
        #expect(code("application/json", [.yaml]) == .disallowedContentType)
        #expect(code("application/x-python-serialize") == .pickleRefused)
        #expect(code("application/x-python-serialize", [.json, .pickle]) == .pickleRefused)
    }

    @Test func refusesCompressionsByName() {
        func error(_ value: WireValue, body: [UInt8] = [1, 2, 3]) -> CeleryWireError? {
            var message = Samples.protocol2(headers: ["compression": value])
            message.body = body
            return failure { () throws(CeleryWireError) in try CeleryTaskMessage.decode(message) }
        }
        #expect(error("application/x-brotli")?.code == .unknownCompression)
        #expect(error(5)?.code == .unknownCompression)
        // Whoever reads why a message is parked sees what it named, as far as that can be shown, and what there is.
        let known = CompressionMethod.inWords()
        let message = "there is no compression method \"application/x-brotli\": \(known)"
        #expect(error("application/x-brotli")?.message == message && error("x")?.field == "compression")
        #expect(error(5)?.message == "the compression method must be a name, not an integer")
        let long = error(.string("\n\u{1b}[31m" + String(repeating: "x", count: 100_000)))?.message
        let scalars = long?.unicodeScalars.filter { $0.value < 32 }.count
        #expect(long?.contains("[31mxxx") == true && scalars == 0 && (long?.count ?? 0) < 300)
        for method in CompressionMethod.allCases where !method.isAvailable {
            let missing = error(.string(method.celeryMIMEType))
            #expect(missing?.message == "\(method.celeryMIMEType) is not available here: \(known)")
        }
        #expect(error("gzip")?.code == .undecodableBody)
        // What kombu calls gzip is not a real gzip file.
        #expect(error("application/x-gzip", body: [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3])?.code == .undecodableBody)
        #expect(error("application/x-gzip")?.cause?.code == .corruptCompression)
    }

    @Test func stopsACompressionBomb() throws {
        let zeros = [UInt8](repeating: UInt8(ascii: " "), count: 2 << 20)
        var message = Samples.protocol2(headers: ["compression": "application/x-gzip"])
        message.body = try CompressionMethod.zlib.compress(zeros)
        let error = failure { () throws(CeleryWireError) in
            try CeleryTaskMessage.decode(message, limits: WireLimits(maximumDecompressedBytes: 1 << 20))
        }
        #expect(error?.cause?.code == .decompressedTooLarge)
    }

    @Test func errorsDoNotTellArguments() throws {
        for body in [#"[["secret"], 5, {}]"#, #"[["secret", {}]"#, #"[["secret"], {}, {"chain": ["secret"]}]"#] {
            let error = failure { () throws(CeleryWireError) in
                try CeleryTaskMessage.decode(Samples.protocol2(body: body))
            }
            let text = try #require(error).description
            #expect(!text.contains("secret"))
        }
    }
}
