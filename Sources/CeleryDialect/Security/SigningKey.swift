#if Signing
import COpenSSL

/// An RSA key of libcrypto: a private one, which signs and verifies, or a public one, which verifies.
final class SigningKey: Sendable {
    // Nothing changes a key, and libcrypto counts its users atomically.
    nonisolated(unsafe) private let pointer: OpaquePointer

    /// Takes over a key of libcrypto; nil if it is no RSA key.
    init?(owning pointer: OpaquePointer) {
        guard celeriac_openssl_is_rsa(pointer) == 1 else {
            EVP_PKEY_free(pointer)
            return nil
        }
        self.pointer = pointer
    }

    deinit { EVP_PKEY_free(pointer) }

    /// Reads a private key. It is nil for anything else, for a wrong password, and for a key that is not RSA.
    static func reading(pem: [UInt8], password: String?) -> SigningKey? {
        PEMReader.read(pem, password: password) { PEM_read_bio_PrivateKey($0, nil, nil, $1) }
            .flatMap { SigningKey(owning: $0) }
    }

    /// Whether both are parts of one pair.
    func belongs(to other: SigningKey) -> Bool {
        defer { ERR_clear_error() }
        return EVP_PKEY_eq(pointer, other.pointer) == 1
    }

    /// Signs a body by PSS with the longest salt; nil if this is a public key or too short for the digest.
    func signature(of body: [UInt8], digest: SigningDigest) -> [UInt8]? {
        defer { ERR_clear_error() }
        guard let method = EVP_get_digestbyname(digest.nameOfOpenSSL), let context = EVP_MD_CTX_new() else {
            return nil
        }
        defer { EVP_MD_CTX_free(context) }
        var parameters: OpaquePointer?
        var size = 0
        guard EVP_DigestSignInit(context, &parameters, method, nil, pointer) == 1,
            celeriac_openssl_use_pss(parameters) == 1,
            EVP_DigestSign(context, nil, &size, body, body.count) == 1, size > 0
        else { return nil }
        var signature = [UInt8](repeating: 0, count: size)
        guard EVP_DigestSign(context, &signature, &size, body, body.count) == 1, size <= signature.count else {
            return nil
        }
        return Array(signature[..<size])
    }

    /// Whether a signature is this key's for a body.
    func verifies(_ signature: [UInt8], of body: [UInt8], digest: SigningDigest) -> Bool {
        defer { ERR_clear_error() }
        guard let method = EVP_get_digestbyname(digest.nameOfOpenSSL), let context = EVP_MD_CTX_new() else {
            return false
        }
        defer { EVP_MD_CTX_free(context) }
        var parameters: OpaquePointer?
        guard EVP_DigestVerifyInit(context, &parameters, method, nil, pointer) == 1,
            celeriac_openssl_use_pss(parameters) == 1
        else { return false }
        return EVP_DigestVerify(context, signature, signature.count, body, body.count) == 1
    }
}

/// Reads PEM by libcrypto.
enum PEMReader {
    /// Gives a reader the text and the password.
    ///
    /// - Returns: What the reader returns, which is the caller's to free.
    static func read(
        _ pem: [UInt8], password: String?, _ reader: (OpaquePointer, UnsafeMutableRawPointer?) -> OpaquePointer?
    ) -> OpaquePointer? {
        defer { ERR_clear_error() }
        // Without a password libcrypto would ask for it at the terminal, and wait.
        var password = Array((password ?? "").utf8CString)
        return pem.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let size = Int32(exactly: bytes.count), let source = BIO_new_mem_buf(bytes.baseAddress, size) else {
                return nil
            }
            defer { BIO_free(source) }
            return password.withUnsafeMutableBytes { secret in
                defer { OPENSSL_cleanse(secret.baseAddress, secret.count) }
                return reader(source, secret.baseAddress)
            }
        }
    }
}
#endif
