import CeleriacWire
import MachineryWire
import Testing

@Suite struct SignatureTests {
    private func decode(_ text: String) throws -> MachinerySignature {
        try MachinerySignature.decode(Array(text.utf8))
    }

    private func text(_ signature: MachinerySignature) throws -> String {
        String(decoding: try signature.encode(), as: UTF8.self)
    }

    @Test func allNineteenFieldsAreWrittenInGosOrder() throws {
        let signature = MachinerySignature(
            uuid: "task_1", name: "add", args: [MachineryArgument(type: "int64", value: 1)])
        let expected =
            #"{"UUID":"task_1","Name":"add","RoutingKey":"","ETA":null,"GroupUUID":"","GroupTaskCount":0,"#
            + #""Args":[{"Name":"","Type":"int64","Value":1}],"Headers":null,"Priority":0,"Immutable":false,"#
            + #""RetryCount":0,"RetryTimeout":0,"OnSuccess":null,"OnError":null,"ChordCallback":null,"#
            + #""BrokerMessageGroupId":"","SQSReceiptHandle":"","StopTaskDeletionOnError":false,"#
            + #""IgnoreWhenTaskNotRegistered":false}"#
        #expect(try text(signature) == expected)
    }

    @Test func emptyListsAndNullAreKeptApart() throws {
        var signature = MachinerySignature(name: "a", args: [])
        signature.headers = [:]
        signature.onError = []
        let text = try text(signature)
        #expect(text.contains(#""Args":[],"Headers":{},"#))
        #expect(text.contains(#""OnSuccess":null,"OnError":[],"#))
        #expect(try decode(text) == signature)
    }

    @Test func keysMatchWhateverTheirCaseAndUnknownOnesAreIgnored() throws {
        let signature = try decode(
            #"{"uuid":"u","NAME":"add","rOutingkey":"q","args":[{"TYPE":"int64","value":7}],"what":{"a":[1]}}  trailing"#
        )
        #expect(signature.uuid == "u")
        #expect(signature.name == "add")
        #expect(signature.routingKey == "q")
        #expect(signature.args == [MachineryArgument(type: "int64", value: 7)])
    }

    @Test func nullLeavesTheZeroValueAndTheLastOfEqualKeysCounts() throws {
        let signature = try decode(#"{"UUID":null,"Name":"a","name":"b","RetryCount":null,"OnSuccess":[null,{}]}"#)
        #expect(signature.uuid == "")
        #expect(signature.name == "b")
        #expect(signature.onSuccess?.count == 1)
    }

    @Test(arguments: [
        #"{"UUID":5}"#, #"{"GroupTaskCount":"1"}"#, #"{"GroupTaskCount":1.0}"#, #"{"Priority":256}"#,
        #"{"Priority":-1}"#,
        #"{"ETA":"tomorrow"}"#, #"{"Args":{}}"#, #"{"Args":[5]}"#, #"{"Headers":[]}"#, #"{"Immutable":1}"#,
        #"{"OnSuccess":{}}"#, #"{"ChordCallback":[]}"#, #"{"RetryCount":9223372036854775808}"#, "[]", "\"x\"", "5",
    ])
    func whatGoCannotDecodeIsRefused(_ text: String) {
        #expect { try decode(text) } throws: { ($0 as? MachineryWireError)?.code == .invalidField }
    }

    @Test(arguments: ["", "{", "not json", "{\"Name\":", "NaN", "{\"a\":01}", "{'a':1}", "\u{feff}{}"])
    func whatIsNotJSONIsRefused(_ text: String) {
        #expect { try decode(text) } throws: { ($0 as? MachineryWireError)?.code == .malformedJSON }
    }

    @Test func numbersKeepTheirText() throws {
        let source =
            #"{"Args":[{"Type":"float64","Value":1.0},{"Type":"float64","Value":1e3},{"Type":"float64","Value":-0},"#
            + #"{"Type":"uint64","Value":18446744073709551615},{"Type":"float64","Value":0.10}]}"#
        let again = try text(decode(source))
        for number in ["1.0}", "1e3}", "-0}", "18446744073709551615}", "0.10}"] {
            #expect(again.contains(#""Value":"# + number), "\(number)")
        }
    }

    @Test func textIsEscapedAsGoDoes() throws {
        let value = "<a>&\"\\\u{08}\u{0c}\n\r\t\u{01}\u{7f}\u{2028}\u{2029}é/😀"
        let signature = MachinerySignature(name: value)
        let expected =
            #""Name":"\u003ca\u003e\u0026\"\\\u0008\u000c\n\r\t\u0001"# + "\u{7f}" + #"\u2028\u2029é/😀""#
        #expect(try text(signature).contains(expected))
        #expect(try decode(text(signature)).name == value)
    }

    @Test func whatIsNotTextBecomesReplacementCharacters() throws {
        let broken = Array(#"{"Name":"a"#.utf8) + [0xff, 0xe2, 0x80] + Array(#"b\ud800c","UUID":"\ud800\u0041"}"#.utf8)
        let signature = try MachinerySignature.decode(broken)
        #expect(signature.name == "a\u{fffd}\u{fffd}\u{fffd}b\u{fffd}c")
        #expect(signature.uuid == "\u{fffd}A")
    }

    @Test func headersAreSortedByTheirBytes() throws {
        var signature = MachinerySignature(name: "a")
        signature.headers = ["b": true, "a": .null, "Z": "x", "é": ["d": 1, "c": 2]]
        #expect(try text(signature).contains(#""Headers":{"Z":"x","a":null,"b":true,"é":{"c":2,"d":1}}"#))
    }

    @Test func chainsMayBeLongButNotEndless() throws {
        func chain(_ count: Int) -> MachinerySignature {
            var signature = MachinerySignature(name: "last")
            for _ in 1..<count {
                var earlier = MachinerySignature(name: "link")
                earlier.onSuccess = [signature]
                signature = earlier
            }
            return signature
        }
        let long = chain(190)
        #expect(try MachinerySignature.decode(long.encode()) == long)
        #expect { try chain(260).encode() } throws: { ($0 as? MachineryWireError)?.code == .tooDeep }
        #expect { try chain(260).validate() } throws: { ($0 as? MachineryWireError)?.code == .tooDeep }
        let bomb = String(repeating: #"{"OnSuccess":["#, count: 100_000)
        #expect { try decode(bomb) } throws: { ($0 as? MachineryWireError)?.code == .tooDeep }
    }

    @Test func everyPrefixOfAMessageIsRefusedAndNothingElseHappens() throws {
        let whole = try MachinerySignature(
            uuid: "u", name: "é", args: [MachineryArgument(type: "[]byte", value: "AQI=")]
        )
        .encode()
        for end in whole.indices {
            #expect {
                try MachinerySignature.decode(Array(whole[..<end]))
            } throws: {
                ($0 as? MachineryWireError)?.code == .malformedJSON
            }
        }
    }

    @Test func describingGivesTheDialectAndTheFieldsAsTheyStand() throws {
        let described = try MachinerySignature.describe(
            Array(#"{"name":"add","Args":[{"Type":"int64","Value":1.50}]}"#.utf8))
        #expect(described.keys.first == "dialect")
        #expect(described["dialect"] == "machinery")
        #expect(described.count == 20)
        #expect(described["Args"]?[0]?["Value"] == .number("1.50"))
    }
}
