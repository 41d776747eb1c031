import Testing

@Suite("Completion in shells", .timeLimit(.minutes(5)))
struct CompletionTests {
    @Test("knows the verbs and their flags", arguments: ["bash", "zsh", "fish"])
    func verbs(_ shell: String) async throws {
        let run = try await CommandRun(["--generate-completion-script", shell])
        #expect(run.status == .exited(0), "\(run.errors)")
        for word in ["inspect", "drain", "doctor", "result-backend", "active_queues"] {
            #expect(run.output.contains(word), "\(word) is missing")
        }
    }
}
