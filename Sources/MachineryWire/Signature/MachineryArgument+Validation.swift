import CeleriacWire

extension MachineryArgument {
    /// Refuses what a Go worker could not take: see ``MachinerySignature/validate()``.
    public func validate() throws(MachineryWireError) {
        guard let goType = GoType(name: type) else {
            throw MachineryWireError(.unsupportedType, "'\(type)' is not one of Machinery's types")
        }
        guard goType.isSlice else { return try check(value, goType.scalar) }
        switch value {
        case .array(let elements):
            for element in elements { try check(element, goType.scalar) }
        case .null: return
        case .string(let text) where goType.scalar.isUnsigned:
            guard (try? Base64.decode(text)) != nil else {
                throw MachineryWireError(.valueMismatch, "the text of an argument of type \(type) is not base64")
            }
        default: throw MachineryWireError(.valueMismatch, "an argument of type \(type) is not an array")
        }
    }

    private func check(_ value: WireValue, _ scalar: GoType.Scalar) throws(MachineryWireError) {
        let converted: WireValue
        do {
            converted = try GoConversion.convert(value, typeName: scalar.rawValue)
        } catch {
            let outOfRange = error.text.hasSuffix("out of range") || (value.int64Value ?? 0) < 0 && scalar.isUnsigned
            throw outOfRange ? doesNotFit() : MachineryWireError(.valueMismatch, "an argument of type \(type) is none")
        }
        switch (value, scalar) {
        case (.double(let number), .float32), (.double(let number), .float64):
            if !number.isFinite {
                throw MachineryWireError(.nonFinite, "JSON has no form for NaN and the infinities")
            }
            if scalar == .float32, converted.doubleValue?.isFinite != true { throw doesNotFit() }
        case (_, .float32):
            if converted.doubleValue?.isFinite != true { throw doesNotFit() }
        case (.int, .float64), (.number, .float64), (.bool, _), (.string, _): return
        default:
            // Cut off to its width it would be another number.
            if converted != value { throw doesNotFit() }
        }
    }

    private func doesNotFit() -> MachineryWireError {
        MachineryWireError(.valueOutOfRange, "a number does not fit an argument of type \(type)")
    }
}
