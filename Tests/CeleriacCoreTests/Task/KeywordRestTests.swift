import CeleriacCore
import CeleriacWire
import Testing

private let count = TaskDefinition<Int, Variadic<Int>, VariadicKeywords<Int>, [String: Int]>(
    "count", parameters: "first")
private let names = TaskDefinition<VariadicKeywords<String>, [String]>("names")

/// Python's `*args` and `**kwargs`.
@Suite(.timeLimit(.minutes(5))) struct KeywordRestTests {
    private func run(_ body: @Sendable (TaskClient) async throws -> Void) async throws {
        let bench = Bench()
        let worker = bench.worker {
            count.handler { first, rest, keywords in
                keywords.elements.merging(["first": first, "rest": rest.elements.reduce(0, +)]) { $1 }
            }
            names.handler { keywords in keywords.elements.map { "\($0)=\($1)" }.sorted() }
        }
        try await bench.run(worker) { try await body(bench.client) }
    }

    @Test func takesWhatHasNoParameter() async throws {
        try await run { client in
            let all = try await client.send(count(1, [2, 3], ["a": 4])).get()
            #expect(all == ["first": 1, "rest": 5, "a": 4])
            let byKeyword = try await client.send(count.keywords(1, [], ["a": 4])).get()
            #expect(byKeyword == ["first": 1, "rest": 0, "a": 4])
            let named = try await client.send(names(["b": "2", "a": "1"])).get()
            #expect(named == ["a=1", "b=2"])
            let none = try await client.send(names([:])).get()
            #expect(none.isEmpty)
        }
    }

    @Test func goesToTheWireAsKeywordArguments() async throws {
        let bench = Bench()
        let worker = bench.worker {
            TaskHandler("count") { context in
                [.array(context.request.arguments), .object(context.request.keywordArguments)]
            }
        }
        try await bench.run(worker) {
            let call = Signature("count", arguments: [1, 2, 3], keywordArguments: ["a": 4])
            let wanted = try await bench.client.send(call).get()
            let typed = TaskDefinition<Int, Variadic<Int>, VariadicKeywords<Int>, WireValue>("count")
            let seen = try await bench.client.send(typed(1, [2, 3], ["a": 4])).get()
            #expect(seen == wanted)
            #expect(seen == [[1, 2, 3], ["a": 4]])
        }
    }

    @Test func aKeywordOfAnotherTypeIsPythonsTypeError() async throws {
        try await run { client in
            let call = Signature("count", arguments: [1], keywordArguments: ["a": "text"])
            await #expect {
                try await client.send(call).get()
            } throws: { ($0 as? RemoteTaskError)?.type == "TypeError" }
        }
    }
}
