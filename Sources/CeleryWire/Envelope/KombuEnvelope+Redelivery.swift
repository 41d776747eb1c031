public import CeleriacWire

extension KombuEnvelope {
    /// The same envelope with kombu's marks of a message that is given back, in its headers and its delivery info.
    ///
    /// All else stays as it came, parts that are unknown here too: whoever gets the message next may know them.
    ///
    /// - Throws: `CeleryWireError.Code.malformedEnvelope` for what ``decode(_:limits:)`` refuses.
    public static func markedRedelivered(
        _ bytes: [UInt8], limits: WireLimits = .default
    ) throws(CeleryWireError) -> [UInt8] {
        let value: WireValue
        do throws(WireError) {
            value = try WireJSON.decode(bytes, limits: limits)
        } catch {
            throw CeleryWireError(.malformedEnvelope, "the envelope is not JSON", cause: error)
        }
        _ = try KombuEnvelope(value)
        guard case .object(var envelope) = value, case .object(var properties)? = envelope["properties"],
            case .object(var info)? = properties["delivery_info"]
        else {
            throw CeleryWireError(.malformedEnvelope, "an envelope must be a JSON object")
        }
        if case .object(var headers)? = envelope["headers"] {
            headers["redelivered"] = true
            envelope["headers"] = .object(headers)
        }
        info["redelivered"] = true
        properties["delivery_info"] = .object(info)
        envelope["properties"] = .object(properties)
        do throws(WireError) {
            return try WireJSON.encode(.object(envelope), style: .python, nonFinite: .allow)
        } catch {
            throw CeleryWireError(.unrepresentable, "the envelope cannot be written as JSON", cause: error)
        }
    }
}
