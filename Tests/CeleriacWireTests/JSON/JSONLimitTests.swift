import CeleriacWire
import TestSupport
import Testing

/// Input that is cut short, too large or too deep.
struct JSONLimitTests {
    static let document = """
        {"task": "tasks.add", "id": "a2b9a3e5", "args": [1, -2.5e3, "caf\\u00e9 \\ud83d\\ude00 é", null, true, false], \
        "nested": [[{"deep": [[], {}]}]], "big": 1180591620717411303424, "limits": [NaN, Infinity, -Infinity]}
        """.bytes

    @Test func refusesEveryPrefix() throws {
        _ = try WireJSON.decode(Self.document)
        for count in 0..<Self.document.count {
            let error = wireError { () throws(WireError) in _ = try WireJSON.decode(Array(Self.document[..<count])) }
            // A cut within a multi-byte character gives the same error as one before it.
            #expect(error?.code == .truncated || error?.code == .invalidUTF8, "cut at \(count)")
        }
    }

    @Test func survivesEveryChangedByte() {
        var generator = SeededGenerator(seed: 1)
        var codes: Set<WireError.Code> = []
        var accepted = 0
        for index in Self.document.indices {
            for _ in 0..<24 {
                var changed = Self.document
                changed[index] = UInt8.random(in: 0...255, using: &generator)
                do throws(WireError) {
                    let value = try WireJSON.decode(changed)
                    let written = try WireJSON.encode(value, nonFinite: .allow)
                    #expect(try WireJSON.encode(WireJSON.decode(written), nonFinite: .allow) == written)
                    accepted += 1
                } catch {
                    codes.insert(error.code)
                }
            }
        }
        #expect(accepted > 0)
        #expect(codes == [.malformed, .truncated, .trailingBytes, .invalidUTF8, .loneSurrogate])
    }

    static let bombs: [String] = ["[", "{\"a\":", "[{\"a\":", "[1,[", " [ "]

    @Test(arguments: bombs) func refusesDepthOnASmallStack(unit: String) {
        let bomb = String(repeating: unit, count: 100_000).bytes
        let error = onSmallStack { wireError { () throws(WireError) in _ = try WireJSON.decode(bomb) } }
        #expect(error??.code == .tooDeep)
    }

    @Test func acceptsExactlyTheDepthLimit() throws {
        let most = String(repeating: "[", count: 128) + String(repeating: "]", count: 128)
        #expect(try WireJSON.encode(try WireJSON.decode(most.bytes)) == most.bytes)
        let error = wireError { () throws(WireError) in _ = try WireJSON.decode("[\(most)]".bytes) }
        #expect(error?.code == .tooDeep)
        #expect(error?.offset == 128)
        let objects = String(repeating: "{\"a\":", count: 127) + "{}" + String(repeating: "}", count: 127)
        #expect(try WireJSON.encode(try WireJSON.decode(objects.bytes)) == objects.bytes)
    }

    @Test func deepestValueLivesAndDiesOnASmallStack() throws {
        let text = (String(repeating: "[{\"a\":", count: 64) + "1" + String(repeating: "}]", count: 64)).bytes
        let equal = onSmallStack { () -> Bool in
            guard let value = try? WireJSON.decode(text), let copy = try? WireJSON.decode(text) else { return false }
            var hasher = Hasher()
            value.hash(into: &hasher)
            return value == copy && (try? WireJSON.encode(value)) == text
        }
        #expect(equal == true)
    }

    /// The depth that Celery's messages may have, on the smallest stack of a Linux thread by default.
    @Test func aThousandLevelsLiveAndDieOnAThreadOfTwoMegabytes() throws {
        let limits = WireLimits(maximumDepth: 1_000)
        let text = (String(repeating: "[{\"a\":", count: 500) + "1" + String(repeating: "}]", count: 500)).bytes
        let equal = onSmallStack(of: 2 << 20) { () -> Bool in
            guard let value = try? WireJSON.decode(text, limits: limits),
                let copy = try? WireJSON.decode(text, limits: limits)
            else { return false }
            var hasher = Hasher()
            value.hash(into: &hasher)
            return value == copy && (try? WireJSON.encode(value, maximumDepth: 1_000)) == text
        }
        #expect(equal == true)
    }

    @Test func encoderRefusesDepth() {
        var value = WireValue.array([])
        for _ in 0..<128 { value = [value] }
        let tooDeep = value
        let error = wireError { () throws(WireError) in _ = try WireJSON.encode(tooDeep) }
        #expect(error?.code == .tooDeep)
    }

    @Test func refusesTooManyBytesAndValues() throws {
        var limits = WireLimits()
        limits.maximumMessageBytes = 7
        #expect(try WireJSON.decode("[1,2,3]".bytes, limits: limits) == [1, 2, 3])
        let large = wireError { () throws(WireError) in _ = try WireJSON.decode("[1,2,3] ".bytes, limits: limits) }
        #expect(large?.code == .tooLarge)

        limits = WireLimits(maximumTokens: 4)
        #expect(try WireJSON.decode("[1,2,3]".bytes, limits: limits) == [1, 2, 3])
        #expect(try WireJSON.decode("[{\"a\":1}]".bytes, limits: limits) == [["a": 1]])
        for text in ["[1,2,3,4]", "[{\"a\":{}},1]", "[[],[],[],[]]"] {
            let error = wireError { () throws(WireError) in _ = try WireJSON.decode(text.bytes, limits: limits) }
            #expect(error?.code == .tooManyValues)
        }

        limits = WireLimits(maximumDepth: 0)
        #expect(try WireJSON.decode("1".bytes, limits: limits) == 1)
        let deep = wireError { () throws(WireError) in _ = try WireJSON.decode("[]".bytes, limits: limits) }
        #expect(deep?.code == .tooDeep)
    }

    @Test func errorsDoNotQuoteTheInput() {
        let error = wireError { () throws(WireError) in _ = try WireJSON.decode("{\"password\": hunter2}".bytes) }
        #expect(error?.description.contains("hunter") == false)
        #expect(error?.description.contains("at byte 13") == true)
    }
}
