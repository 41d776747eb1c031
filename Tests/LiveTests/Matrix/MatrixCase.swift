/// What the live matrix tries in each direction on each transport.
enum MatrixCase: String, CaseIterable {
    case positional = "positional arguments"
    case keyword = "keyword arguments"
    case mixed = "mixed arguments"
    case defaults = "default arguments"
    case rest = "*args and **kwargs"
    case jsonTypes = "every JSON type"
    case richTypes = "datetime, date, time, decimal, uuid, bytes"
    case countdown
    case eta
    case expires
    case ignoreResult = "ignore_result"
    case failure = "failing task"
    case retrySuccess = "retry until success"
    case retryExhaust = "retry until exhaustion"
    case priority
    case queue = "custom queue"
    case headers = "custom headers"
    case zlib = "zlib body"
    case bzip2 = "bzip2 body"
    case lzma = "lzma body"
    case zstd = "zstd body"
    case msgpack = "msgpack body"
    case yaml = "yaml body"
    case pickle = "pickle refused"

    /// Why the case does not apply there, or nil if it does.
    func notApplicable(on transport: MatrixTransport) -> String? {
        switch self {
        case .priority where transport == .filesystem: return "the filesystem has no priorities"
        #if !Compression
        case .bzip2, .lzma, .zstd: return "needs the trait Compression"
        #endif
        default: return nil
        }
    }
}
