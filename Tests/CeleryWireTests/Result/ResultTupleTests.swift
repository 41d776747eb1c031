import CeleriacWire
import CeleryWire
import Testing

@Suite struct ResultTupleTests {
    private static let references: [(WireValue, CeleryResultTuple)] = [
        ([["a", nil], nil], CeleryResultTuple(id: "a")),
        ([["a", [["b", nil], nil]], nil], CeleryResultTuple(id: "a", parent: CeleryResultTuple(id: "b"))),
        (
            [["g", nil], [[["a", nil], nil], [["b", nil], nil]]],
            CeleryResultTuple(id: "g", members: [CeleryResultTuple(id: "a"), CeleryResultTuple(id: "b")])
        ),
        ([["g", nil], []], CeleryResultTuple(id: "g", members: [])),
    ]

    @Test(arguments: references)
    func readsAndWrites(_ value: WireValue, _ expected: CeleryResultTuple) throws {
        #expect(try CeleryResultTuple.decode(value) == expected)
        #expect(expected.encode() == value)
    }

    @Test func groups() throws {
        let group = CeleryResultTuple(id: "g", members: [CeleryResultTuple(id: "a")])
        let bytes = try group.encodeGroup()
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"result": [["g", null], [[["a", null], null]]]}"#)
        #expect(try CeleryResultTuple.decodeGroup(bytes) == group)
        #expect(try CeleryResultTuple.decodeGroup(group.encodeGroup(compression: .zlib)) == group)
        for text in ["{}", "[]", #"{"result": 5}"#, ""] {
            let error = failure { () throws(CeleryWireError) in try CeleryResultTuple.decodeGroup(Array(text.utf8)) }
            #expect(error?.code == .malformedResult)
        }
    }

    private static let malformed: [WireValue] = [
        WireValue.null, 5, [], [nil, nil], [["a"], nil], [["a", nil]], [[1, nil], nil], [["a", 5], nil],
        [["a", nil], 5], [["a", nil], [5]], [["a", nil], nil, nil],
    ]

    @Test(arguments: malformed)
    func refusesOtherShapes(_ value: WireValue) {
        let error = failure { () throws(CeleryWireError) in try CeleryResultTuple.decode(value) }
        #expect(error?.code == .malformedResult)
    }

    @Test func refusesWhatIsTooDeep() {
        var value: WireValue = [["a", nil], nil]
        for _ in 0..<500 { value = [["a", value], nil] }
        let error = failure { () throws(CeleryWireError) in try CeleryResultTuple.decode(value) }
        #expect(error?.code == .malformedResult)
    }
}
