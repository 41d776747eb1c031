import CeleriacWire
import Foundation
import TestSupport
import Testing

/// Generated documents, read and written by both this codec and Foundation's.
struct JSONDifferentialTests {
    @Test func agreesWithFoundation() throws {
        var generator = SeededGenerator(seed: 20)
        for round in 0..<1500 {
            let value = WireValue.random(depth: 4, bytes: false, using: &generator)
            for style in [JSONStyle.compact, .python] {
                let text = try WireJSON.encode(value, style: style)
                #expect(try WireJSON.decode(text) == value, "round \(round)")
                let foreign = try JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
                #expect(Self.same(value, foreign), "round \(round)")
            }
            // Conversely, what Foundation writes reads back as the same value.
            let object = Self.foreign(value)
            let text = try JSONSerialization.data(withJSONObject: object, options: .fragmentsAllowed)
            #expect(Self.same(try WireJSON.decode([UInt8](text)), object), "round \(round)")
        }
    }

    @Test func readsFloatsAsTheStandardLibraryDoes() throws {
        // Texts of every length and scale, in forms that a shortest-form writer never produces.
        var generator = SeededGenerator(seed: 22)
        for _ in 0..<20_000 {
            var text = Bool.random(using: &generator) ? "-" : ""
            text += String(generator.next() >> UInt64.random(in: 0...63, using: &generator))
            let hasFraction = Bool.random(using: &generator)
            if hasFraction {
                text += "." + String(repeating: "0", count: Int.random(in: 0...3, using: &generator))
                text += String(generator.next() >> UInt64.random(in: 0...63, using: &generator))
            }
            if !hasFraction || Bool.random(using: &generator) {
                text += ["e", "E", "e+", "e-"][Int.random(in: 0..<4, using: &generator)]
                text += String(Int.random(in: 0...(Bool.random(using: &generator) ? 25 : 340), using: &generator))
            }
            let value = try WireJSON.decode(text.bytes).doubleValue
            #expect(value?.bitPattern == Double(text)?.bitPattern, "\(text)")
        }
    }

    @Test func refusesAndAcceptsWhatFoundationDoes() throws {
        // Mutated documents: both must agree on what is JSON, except for the intended differences.
        var generator = SeededGenerator(seed: 21)
        var accepted = 0
        var refused = 0
        for _ in 0..<3000 {
            var text = try WireJSON.encode(WireValue.random(depth: 2, bytes: false, using: &generator))
            guard text.count > 1 else { continue }
            let index = Int.random(in: 0..<text.count, using: &generator)
            let alphabet = Array("[]{},:\"\\ eE+-.0123456789ntfu\u{1}".utf8)
            text[index] = alphabet[Int.random(in: 0..<alphabet.count, using: &generator)]
            let own = try? WireJSON.decode(text)
            let foreign = try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)
            if let own, foreign == nil {
                // Foundation refuses numbers that are too large, and lone surrogates too.
                #expect(Self.hasExtremeNumber(own), "\(String(decoding: text, as: UTF8.self))")
            }
            if own == nil, foreign != nil {
                Issue.record("refused: \(String(decoding: text, as: UTF8.self))")
            }
            if own == nil { refused += 1 } else { accepted += 1 }
        }
        #expect(accepted > 100 && refused > 100)
    }

    private static func hasExtremeNumber(_ value: WireValue) -> Bool {
        switch value {
        case .double(let value): !value.isFinite || value.magnitude < 1e-300 || value.magnitude > 1e300
        case .number: true
        case .array(let array): array.contains { hasExtremeNumber($0) }
        case .object(let object): object.values.contains { hasExtremeNumber($0) }
        default: false
        }
    }

    private static func same(_ value: WireValue, _ foreign: Any) -> Bool {
        switch value {
        case .null: foreign is NSNull
        case .bool(let flag): (foreign as? NSNumber)?.boolValue == flag
        case .int(let value): (foreign as? NSNumber)?.int64Value == value
        // Foundation is off by one bit for some numbers with more digits than its Decimal holds; PythonFloats are
        // exact.
        case .double(let value):
            (foreign as? NSNumber).map { abs($0.doubleValue - value) <= abs(value) * 1e-14 } ?? false
        case .string(let text): (foreign as? String)?.utf8.elementsEqual(text.utf8) == true
        case .array(let array):
            (foreign as? [Any]).map { $0.count == array.count && zip(array, $0).allSatisfy { same($0, $1) } } ?? false
        case .object(let object):
            (foreign as? [String: Any]).map { other in
                other.count == object.count
                    && object.allSatisfy { key, value in other[key].map { same(value, $0) } ?? false }
            } ?? false
        case .number, .bytes: false
        }
    }

    private static func foreign(_ value: WireValue) -> Any {
        switch value {
        case .null, .number, .bytes: NSNull()
        case .bool(let flag): flag
        case .int(let value): value
        case .double(let value): value
        case .string(let text): text
        case .array(let array): array.map { foreign($0) }
        case .object(let object):
            Dictionary(uniqueKeysWithValues: object.map { ($0.key, foreign($0.value)) })
        }
    }
}
