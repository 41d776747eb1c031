import CeleriacCore
import Testing

@Suite("What became of the messages of one publication")
struct PartialPublishErrorTests {
    private let refusal = CeleriacError(.publishFailed, "refused")

    @Test("is no error where all were taken")
    func allTaken() throws { try PartialPublishError.check(refused: [:], of: 3) }

    @Test("is the first refusal where none was taken")
    func noneTaken() {
        let first = CeleriacError(.unavailable, "full")
        #expect {
            try PartialPublishError.check(refused: [1: refusal, 0: first], of: 2)
        } throws: { ($0 as? CeleriacError)?.code == .unavailable }
    }

    @Test("names those that were refused where the others were taken")
    func someTaken() {
        #expect {
            try PartialPublishError.check(refused: [1: refusal], of: 3)
        } throws: { error in
            let partial = error as? PartialPublishError
            return partial.map { Array($0.refused.keys) } == [1] && partial?.unknown.isEmpty == true
        }
    }
}
