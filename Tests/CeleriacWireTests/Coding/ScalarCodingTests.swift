import CeleriacWire
import Foundation
import Testing

/// Numbers, text and arrays of them: values that fit pass through unchanged, others are refused.
struct ScalarCodingTests {
    private let encoder = WireEncoder()
    private let decoder = WireDecoder()

    private func check<T: FixedWidthInteger & Codable>(_ type: T.Type) throws {
        for value in [T.min, T.max, 0, 1, T.max / 2] {
            let wire = try encoder.encode(value)
            #expect(wire == WireNumber(value).wireValue)
            #expect(try decoder.decode(type, from: wire) == value)
            // Elements, values of keys and optionals take other code paths.
            #expect(try decoder.decode([T].self, from: .array([wire])) == [value])
            #expect(try decoder.decode([String: T?].self, from: ["k": wire]) == ["k": value])
            #expect(try encoder.encode([value, value]) == .array([wire, wire]) || T.self == UInt8.self)
            #expect(try encoder.encode(Optional(value)) == wire)
        }
        // One beyond either end, a float without a fraction, and other kinds.
        let beyond = [Int128(T.max.description).map { $0 + 1 }, Int128(T.min.description).map { $0 - 1 }]
        for value in beyond.compactMap({ $0 }) where Int128(T.max.description) != Int128.max {
            let error = codingError { _ = try decoder.decode(type, from: WireNumber(value).wireValue) }
            #expect(error?.code == .invalidNumber)
        }
        for value: WireValue in [3.0, "1", true, [], [:], .bytes([1])] {
            let error = codingError { _ = try decoder.decode(type, from: value) }
            #expect(error?.code == .typeMismatch)
        }
        #expect(codingError { _ = try decoder.decode(type, from: nil) }?.code == .valueMissing)
    }

    @Test func integersOfEveryWidth() throws {
        try check(Int.self)
        try check(Int8.self)
        try check(Int16.self)
        try check(Int32.self)
        try check(Int64.self)
        try check(UInt.self)
        try check(UInt8.self)
        try check(UInt16.self)
        try check(UInt32.self)
        try check(UInt64.self)
        #expect(try encoder.encode(UInt64.max) == .number("18446744073709551615"))
        for value in [Int128.min, .max, 0, 1 << 70] {
            #expect(try decoder.decode(Int128.self, from: try encoder.encode(value)) == value)
        }
        for value in [UInt128.min, .max] {
            #expect(try decoder.decode([UInt128].self, from: try encoder.encode([value])) == [value])
        }
        #expect(try encoder.encode(Int128(1) << 70) == .number("1180591620717411303424"))
        #expect(codingError { _ = try decoder.decode(UInt.self, from: -1) }?.code == .invalidNumber)
        #expect(codingError { _ = try decoder.decode(Int128.self, from: .number("x")) }?.code == .invalidNumber)
    }

    @Test func floats() throws {
        for value in [0.0, -0.0, 0.1, -1.5, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude]
            as [Double]
        {
            #expect(try encoder.encode(value) == .double(value))
            #expect(try decoder.decode(Double.self, from: .double(value)).bitPattern == value.bitPattern)
        }
        #expect(try decoder.decode(Double.self, from: .double(.nan)).isNaN)
        #expect(try decoder.decode(Double.self, from: 3) == 3)
        #expect(
            try decoder.decode(Double.self, from: .number("1180591620717411303424")) == 1_180_591_620_717_411_303_424)
        #expect(try decoder.decode([Double].self, from: [1, 2.5]) == [1, 2.5])
        let digits = String(repeating: "9", count: 400)
        #expect(codingError { _ = try decoder.decode(Double.self, from: .number(digits)) }?.code == .invalidNumber)
        // A Float becomes the number that its shortest text says.
        #expect(try encoder.encode(Float(0.1)) == .double(0.1))
        #expect(try decoder.decode(Float.self, from: 0.1) == 0.1)
        #expect(try encoder.encode(Float.infinity) == .double(.infinity))
        #expect(codingError { _ = try decoder.decode(Float.self, from: 1e300) }?.code == .invalidNumber)
        #expect(try decoder.decode(Float.self, from: .double(.infinity)) == .infinity)
        for value: WireValue in ["1", true, [], [:]] {
            #expect(codingError { _ = try decoder.decode(Double.self, from: value) }?.code == .typeMismatch)
        }
    }

    @Test func textAndBooleans() throws {
        #expect(try encoder.encode("é😀") == "é😀")
        #expect(try decoder.decode(String.self, from: "é😀") == "é😀")
        #expect(try encoder.encode(true) == true)
        #expect(try decoder.decode(Bool.self, from: false) == false)
        for value: WireValue in [1, 0, "true", nil, .bytes([])] {
            #expect(codingError { _ = try decoder.decode(Bool.self, from: value) } != nil)
        }
        for value: WireValue in [1, true, nil, .bytes("x".bytes), ["x"]] {
            #expect(codingError { _ = try decoder.decode(String.self, from: value) } != nil)
        }
        let url = try #require(URL(string: "https://example.org/a?b=c"))
        #expect(try encoder.encode(url) == "https://example.org/a?b=c")
        #expect(try decoder.decode(URL.self, from: "https://example.org/a?b=c") == url)
    }

    @Test func arraysOfScalars() throws {
        #expect(try encoder.encode([1, 2]) == [1, 2])
        #expect(try encoder.encode(["a"]) == ["a"])
        #expect(try encoder.encode([1.5]) == [1.5])
        #expect(try encoder.encode([true]) == [true])
        #expect(try encoder.encode([[1], []]) == [[1], []])
        #expect(try encoder.encode([1, nil] as [Int?]) == [1, nil])
        #expect(try decoder.decode([Int].self, from: [1, 2]) == [1, 2])
        #expect(try decoder.decode([Int?].self, from: [1, nil]) == [1, nil])
        #expect(try decoder.decode([[String]].self, from: [["a"], []]) == [["a"], []])
        #expect(try decoder.decode(Set<Int>.self, from: [1, 2, 1]) == [1, 2])
        #expect(try decoder.decode([WireValue].self, from: [1, "x", nil]) == [1, "x", nil])
        let object: WireObject = ["z": 1, "a": [nil]]
        #expect(try encoder.encode(object) == .object(object))
        #expect(try decoder.decode(WireObject.self, from: .object(object)) == object)
        #expect(try decoder.decode([String: Int].self, from: ["a": 1, "b": 2]) == ["a": 1, "b": 2])
        #expect(try decoder.decode([Int: String].self, from: ["1": "x"]) == [1: "x"])
        for (type, value) in [("array", WireValue.object([:])), ("array", "x"), ("array", nil)] {
            #expect(codingError { _ = try decoder.decode([Int].self, from: value) }?.message.contains(type) == true)
        }
    }

    @Test func bytes() throws {
        let bytes: [UInt8] = [0, 255, 128]
        #expect(try encoder.encode(bytes) == "AP+A")
        #expect(try encoder.encode(Data(bytes)) == "AP+A")
        for wire: WireValue in ["AP+A", .bytes(bytes), [0, 255, 128]] {
            #expect(try decoder.decode([UInt8].self, from: wire) == bytes)
            #expect(try decoder.decode(Data.self, from: wire) == Data(bytes))
        }
        #expect(try decoder.decode([UInt8].self, from: []) == [])
        #expect(
            codingError { _ = try decoder.decode([UInt8].self, from: [1, 256]) }?.description
                == "invalidNumber: [1]: the integer does not fit UInt8")
        #expect(codingError { _ = try decoder.decode([UInt8].self, from: "?") }?.code == .invalidBase64)
        #expect(codingError { _ = try decoder.decode(Data.self, from: 1) }?.code == .typeMismatch)
    }

    @Test func optionals() throws {
        #expect(try encoder.encode(Int?.none) == nil)
        #expect(try encoder.encode(Int??.some(.none)) == nil)
        #expect(try decoder.decode(Int?.self, from: nil) == nil)
        #expect(try decoder.decode(Int?.self, from: 1) == 1)
        #expect(try decoder.decode(String?.self, from: "x") == "x")
        #expect(codingError { _ = try decoder.decode(Int?.self, from: "x") }?.code == .typeMismatch)
    }
}
