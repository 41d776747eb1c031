import CeleriacWire
import CeleryWire
import Testing

@Suite struct CelerySignatureTests {
    @Test func readsAndWritesAllKeys() throws {
        let value: WireValue = [
            "task": "t", "args": [1], "kwargs": ["k": 2], "options": ["task_id": "i"], "subtask_type": "chain",
            "immutable": true, "chord_size": nil,
        ]
        let signature = try CelerySignature.decode(value)
        #expect(
            signature
                == CelerySignature(
                    task: "t", args: [1], kwargs: ["k": 2], options: ["task_id": "i"], subtaskType: "chain",
                    immutable: true, other: ["chord_size": nil]))
        #expect(signature.encode() == value)
    }

    @Test func onlyTheTaskIsRequired() throws {
        let signature = try CelerySignature.decode(["task": "t", "args": nil, "kwargs": nil, "options": nil])
        #expect(signature == CelerySignature(task: "t"))
        #expect(
            signature.encode() == [
                "task": "t", "args": [], "kwargs": [:], "options": [:], "subtask_type": nil, "immutable": false,
            ])
    }

    private static let malformed: [(WireValue, String)] = [
        (.null, "task"), ([:], "task"), (["task": 5], "task"), ([1], "task"),
        (["task": "t", "args": 5], "args"), (["task": "t", "kwargs": []], "kwargs"),
        (["task": "t", "options": "x"], "options"), (["task": "t", "subtask_type": 1], "subtask_type"),
    ]

    @Test(arguments: malformed)
    func refusesByName(_ value: WireValue, _ field: String) {
        let error = failure { () throws(CeleryWireError) in try CelerySignature.decode(value) }
        #expect(error?.code == .invalidTask)
        #expect(error?.field == field)
    }
}
