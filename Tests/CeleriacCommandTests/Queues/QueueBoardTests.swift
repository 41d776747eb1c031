import CeleriacCore
import CeleriacWire
import Testing

@testable import CeleriacCommand

@Suite("What workers say of queues") struct QueueBoardTests {
    private func task(_ exchange: String, _ key: String, acknowledged: Bool = false) -> WireValue {
        [
            "acknowledged": .bool(acknowledged),
            "delivery_info": ["exchange": .string(exchange), "routing_key": .string(key)],
        ]
    }

    private var board: QueueBoard {
        var board = QueueBoard()
        let queues: WireValue = [
            ["name": "celery", "exchange": ["name": "celery"], "routing_key": "celery", "bindings": []],
            [
                "name": "images", "exchange": ["name": "media"], "routing_key": "images.#",
                "bindings": [["exchange": ["name": "media"], "routing_key": "pictures"]],
            ],
        ]
        board.note(queues: [NodeReply(node: "b@h", value: queues), NodeReply(node: "a@h", value: [])])
        board.note(
            tasks: [
                NodeReply(
                    node: "b@h",
                    value: [
                        task("", "celery"), task("", "celery", acknowledged: true), task("media", "pictures"),
                        task("other", "key"), [:], nil,
                    ])
            ], areScheduled: false)
        board.note(
            tasks: [NodeReply(node: "b@h", value: [["eta": nil, "request": task("", "celery")], task("", "x")])],
            areScheduled: true)
        return board
    }

    @Test("is counted by queue")
    func counts() {
        let served = board.served
        #expect(board.nodes == ["a@h", "b@h"] && served["celery"]?.nodes == ["b@h"])
        #expect(served["celery"]?.held == 2 && served["celery"]?.scheduled == 1)
        #expect(served["images"]?.held == 1 && served["key"]?.held == 1 && served["x"] == nil)
    }

    @Test("has what waits for the result store, as far as workers say it")
    func outcomes() {
        var board = board
        board.note(outcomes: [
            NodeReply(node: "b@h", value: ["waiting_outcomes": ["celery": 6, "images": -1, "x": "text"]]),
            NodeReply(node: "a@h", value: ["pid": 1]), NodeReply(node: "c@h", value: nil),
        ])
        #expect(board.served["celery"]?.held == 8 && board.served["images"]?.held == 1)
        #expect(board.served["x"]?.held == 0)
    }

    @Test("fills in only what the broker does not know")
    func completing() {
        var census = QueueCensus("celery")
        #expect(QueueBoard().completing(census) == census)
        #expect(board.completing(census).held == 2 && board.completing(census).scheduled == 1)
        census.held = 7
        #expect(board.completing(census).held == 7 && board.completing(census).scheduled == 1)
        census.scheduled = 0
        #expect(board.completing(census) == census)
        #expect(board.completing(QueueCensus("unheard")).held == 0)
    }

    @Test("ages are told in the largest unit")
    func ages() {
        let ages: [Double] = [-1, 0.4, 59.9, 60, 3599, 7200, 200_000, .infinity, .nan]
        let texts = ages.map { QueuePrinter.text(age: $0) }
        #expect(texts.prefix(7) == ["0 s", "0 s", "59 s", "1 min", "59 min", "2 h", "2 d"])
    }

    @Test("bindings stand in Celery's columns")
    func bindings() {
        let lines = ListCommand.Bindings.lines(of: [
            BrokerBinding(queue: "celery", exchange: "celery", routingKey: "celery")
        ])
        #expect(
            lines == [
                "Queue                        Exchange                     Routing Key",
                "----------------             ----------------             ----------------",
                "celery                       celery                       celery",
            ])
    }
}
