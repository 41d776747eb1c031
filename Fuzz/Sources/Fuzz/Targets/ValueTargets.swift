@testable import CeleriacWire
@testable import CeleryWire

/// The formats of values: what one writes, it reads back as the same; limits hold.
let valueTargets: [FuzzTarget] = [
    FuzzTarget("json") { json($0) },
    FuzzTarget("messagepack") { bytes in
        guard let value = try? WireMessagePack.decode(bytes) else { return }
        let written = must("MessagePack of what was read") { () throws(WireError) in
            try WireMessagePack.encode(value)
        }
        let again = must("reading MessagePack again") { () throws(WireError) in try WireMessagePack.decode(written) }
        require(identical(value, again), "MessagePack changes \(value) to \(again)")
        checkLimits(of: value) { limits throws(WireError) in try WireMessagePack.decode(bytes, limits: limits) }
    },
    FuzzTarget("yaml") { bytes in
        // A few aliases stand for millions of values, which would only cost time here.
        let limits = WireLimits(maximumTokens: 20_000)
        guard let value = try? WireYAML.decode(bytes, limits: limits) else { return }
        let written = must("YAML of what was read") { () throws(WireError) in try WireYAML.encode(value) }
        let again = must("reading YAML again") { () throws(WireError) in try WireYAML.decode(written) }
        require(identical(value, again), "YAML changes \(value) to \(again)")
        require(value.depth <= limits.maximumDepth, "YAML exceeds its depth")
        require(value.tokens <= limits.maximumTokens, "YAML exceeds its number of values")
    },
    FuzzTarget("compression") { bytes in
        guard let selector = bytes.first else { return }
        let methods = CompressionMethod.allCases
        let method = methods[Int(selector) % methods.count]
        let limits = WireLimits(maximumDecompressedBytes: 1 << 20)
        guard let content = try? method.decompress(Array(bytes.dropFirst()), limits: limits) else { return }
        require(content.count <= limits.maximumDecompressedBytes, "\(method) exceeds its limit")
        guard content.count <= 4096 else { return }
        let again = must("\(method) of what it gave") { () throws(WireError) in
            try method.decompress(method.compress(content))
        }
        require(again == content, "\(method) changes what it compresses")
    },
    FuzzTarget("repr") { bytes in
        guard let value = try? WireJSON.decode(bytes) else { return }
        for limits in [PythonRepr(), PythonRepr(maximumLength: 16, maximumDepth: 1)] {
            _ = limits.text(of: value)
            if let args = value.arrayValue { _ = limits.text(args: args) }
            if let kwargs = value.objectValue { _ = limits.text(kwargs: kwargs) }
        }
        _ = CeleryRemoteException.decode(value)
        if let text = value.stringValue { _ = PythonExceptionText.text(type: text, arguments: [value]) }
    },
]

private func json(_ bytes: [UInt8]) {
    let shown = try? WireJSON.decode(bytes, reading: .shown)
    if let value = try? WireJSON.decode(bytes) {
        for style in [JSONStyle.compact, .python, .readable, .go] {
            let written = must("JSON of what was read") { () throws(WireError) in
                try WireJSON.encode(value, style: style, nonFinite: .allow)
            }
            let again = must("reading JSON again") { () throws(WireError) in try WireJSON.decode(written) }
            // Go leaves out a needless `.0`, so that a whole float comes back as an integer.
            guard style != .go else { continue }
            require(identical(value, again), "JSON changes \(value) to \(again)")
        }
        require(shown.map { identical($0, value) } == true, "text that is only shown is not the same")
        checkLimits(of: value) { limits throws(WireError) in try WireJSON.decode(bytes, limits: limits) }
    }
    if let value = try? WireJSON.decode(bytes, reading: .go) {
        let written = must("Go's JSON of what was read") { () throws(WireError) in
            try WireJSON.encode(value, style: .go)
        }
        let again = must("reading Go's JSON again") { () throws(WireError) in
            try WireJSON.decode(written, reading: .go)
        }
        require(identical(value, again), "Go's JSON changes \(value) to \(again)")
    }
}

/// Reads the same bytes within narrower limits: either they are refused, or nothing is beyond the limits and the value
/// is the same.
private func checkLimits(of value: WireValue, _ decode: (WireLimits) throws(WireError) -> WireValue) {
    require(value.depth <= WireLimits.default.maximumDepth, "the depth exceeds its limit")
    let narrow = WireLimits(maximumDepth: 3, maximumTokens: 24)
    do throws(WireError) {
        let again = try decode(narrow)
        require(again.depth <= narrow.maximumDepth, "the depth exceeds a narrow limit")
        require(identical(value, again), "limits change a value")
    } catch {
        require(
            error.code == .tooDeep || error.code == .tooManyValues,
            "narrow limits make \(error) of what can be read")
    }
}
