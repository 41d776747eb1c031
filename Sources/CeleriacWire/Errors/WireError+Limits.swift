extension WireError {
    static func tooLarge(_ count: Int, _ limits: WireLimits) -> WireError {
        WireError(.tooLarge, "\(count) bytes; the limit is \(limits.maximumMessageBytes)")
    }

    static func tooDeep(_ limits: WireLimits, offset: Int? = nil) -> WireError {
        WireError(.tooDeep, "nested deeper than \(limits.maximumDepth) levels", offset: offset)
    }

    static func tooManyTokens(_ limits: WireLimits, offset: Int? = nil) -> WireError {
        WireError(.tooManyValues, "more than \(limits.maximumTokens) values and keys in one message", offset: offset)
    }
}
