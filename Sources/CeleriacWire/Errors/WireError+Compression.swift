extension WireError {
    static func corrupt(_ format: String, at offset: Int) -> WireError {
        WireError(.corruptCompression, "the bytes are not \(format), or are damaged", offset: offset)
    }

    static func endOfCompressed(at offset: Int) -> WireError {
        WireError(.truncated, "compressed bytes end within their stream", offset: offset)
    }

    static func trailing(at offset: Int) -> WireError {
        WireError(.trailingBytes, "something follows the end of the compressed stream", offset: offset)
    }

    static var outOfMemory: WireError {
        WireError(.internalFailure, "a codec could not allocate its memory")
    }
}
