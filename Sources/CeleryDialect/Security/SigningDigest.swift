#if Signing
/// A digest of signatures, under its name in `security_digest`.
enum SigningDigest: String, Sendable, CaseIterable {
    case sha224, sha256, sha384, sha512
    case sha512Of224 = "sha512_224"
    case sha512Of256 = "sha512_256"
    case sha3Of224 = "sha3_224"
    case sha3Of256 = "sha3_256"
    case sha3Of384 = "sha3_384"
    case sha3Of512 = "sha3_512"

    /// The name in libcrypto, such as `SHA512-256`.
    var nameOfOpenSSL: String { String(rawValue.uppercased().map { $0 == "_" ? "-" : $0 }) }
}
#endif
