import Foundation
import Testing

@Suite("README")
struct ReadmeTests {
    @Test("its samples are the ones that compile")
    func samples() throws {
        let here = URL(filePath: #filePath).deletingLastPathComponent()
        let samples = try String(contentsOf: here.appending(path: "ReadmeSamples.swift"), encoding: .utf8)
        let readme = try String(
            contentsOf: here.appending(path: "../../../README.md").standardized, encoding: .utf8)
        let blocks = readme.components(separatedBy: "```swift\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        #expect(blocks.count >= 4)
        for block in blocks { #expect(samples.contains(block), "not in ReadmeSamples.swift:\n\(block)") }
    }
}
