import CeleriacWire
import Foundation
import TestSupport
import Testing

struct Base64Tests {
    @Test func agreesWithFoundationAtEveryLength() throws {
        var generator = SeededGenerator(seed: 4)
        for count in 0..<300 {
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            let expected = Data(bytes).base64EncodedString()
            let text: String = Base64.encode(bytes)
            let ascii: [UInt8] = Base64.encode(bytes)
            #expect(text == expected)
            #expect(ascii == expected.bytes)
            #expect(try Base64.decode(text) == bytes)
            #expect(try Base64.decode(ascii) == bytes)
        }
    }

    @Test func passesOverLineBreaks() throws {
        let bytes = (0..<200).map { UInt8($0) }
        for options: Data.Base64EncodingOptions in [.lineLength64Characters, .lineLength76Characters] {
            let text = Data(bytes).base64EncodedString(options: options)
            #expect(text.contains("\r\n"))
            #expect(try Base64.decode(text) == bytes)
        }
        #expect(try Base64.decode(" Z m\tFz\nZA\r\n=\n=\n") == "fasd".bytes)
        #expect(try Base64.decode("\n") == [])
    }

    static let refused: [(String, Int)] = [
        // Cut short, without padding, with padding in the wrong place, with something after it.
        ("Z", 1), ("Zm", 2), ("Zm9", 3), ("Zm9v Y", 6), ("Zg=", 3), ("=", 0), ("Z===", 1), ("Zg===", 4), ("====", 0),
        ("Zg==Zg==", 4), ("Zm9v=", 4), ("Zm8=x", 4), ("Zg=x", 3), ("Zm9=v", 4),
        // Characters outside the alphabet, those of base64url included.
        ("Zm9-", 3), ("Zm9_", 3), ("Zm9v!", 4), ("Z\u{0}9v", 1), ("Zm9é", 3), ("Zm,v", 2), ("Zm9vZm9vZ?==", 9),
    ]

    @Test(arguments: refused) func refuses(text: String, offset: Int) {
        let error = wireError { () throws(WireError) in _ = try Base64.decode(text) }
        #expect(error?.code == .invalidBase64)
        #expect(error?.offset == offset)
    }

    @Test func takesBitsThatCountForNothing() throws {
        // Like Python, ignore the low bits of the last character before the padding.
        #expect(try Base64.decode("YR==") == "a".bytes)
        #expect(try Base64.decode("YWJ=") == "ab".bytes)
    }

    @Test func survivesAnything() {
        var generator = SeededGenerator(seed: 5)
        var decoded = 0
        var codes: Set<WireError.Code> = []
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...12, using: &generator)
            let alphabet = Array("AZaz09+/= \n-\u{0}ÿ".utf8)
            let text = (0..<count).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
            do throws(WireError) {
                let bytes = try Base64.decode(text)
                decoded += 1
                #expect(bytes.count <= count / 4 * 3)
                #expect(try Base64.decode(Base64.encode(bytes) as String) == bytes)
            } catch {
                codes.insert(error.code)
            }
        }
        #expect(decoded > 10)
        #expect(codes == [.invalidBase64])
    }
}
