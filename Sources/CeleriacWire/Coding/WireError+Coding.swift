extension WireError {
    /// What a container or a type threw, in this module's terms.
    init(_ error: DecodingError) {
        switch error {
        case .typeMismatch(_, let context):
            self.init(.typeMismatch, context.debugDescription, context.codingPath, context.underlyingError)
        case .valueNotFound(_, let context):
            self.init(.valueMissing, context.debugDescription, context.codingPath, context.underlyingError)
        case .keyNotFound(let key, let context):
            self.init(
                .valueMissing, "the key is missing", context.codingPath + [key], context.underlyingError)
        case .dataCorrupted(let context):
            self.init(.malformed, context.debugDescription, context.codingPath, context.underlyingError)
        @unknown default:
            self.init(.malformed, "the value could not be decoded")
        }
    }

    /// What a container or a type threw, in this module's terms.
    init(_ error: EncodingError) {
        switch error {
        case .invalidValue(_, let context):
            self.init(.unsupported, context.debugDescription, context.codingPath, context.underlyingError)
        @unknown default:
            self.init(.unsupported, "the value could not be encoded")
        }
    }

    private init(_ code: Code, _ text: String, _ path: [any CodingKey], _ cause: (any Error)?) {
        let cause = cause as? WireError
        let text = cause?.message ?? text
        let place = CodingPath.text(of: path)
        self.init(cause?.code ?? code, place.isEmpty ? text : "\(place): \(text)")
    }
}

extension DecodingError.Context {
    init(_ path: CodingPath, _ error: WireError) {
        self.init(codingPath: path.keys, debugDescription: error.message, underlyingError: error)
    }
}

extension EncodingError.Context {
    init(_ path: CodingPath, _ error: WireError) {
        self.init(codingPath: path.keys, debugDescription: error.message, underlyingError: error)
    }
}
