#if Signing
import CeleriacCore
import Glibc

import struct FoundationEssentials.Date

/// The certificates of those whose messages are trusted, by their names in messages.
struct CertificateStore: Sendable {
    private let certificates: [String: SigningCertificate]

    /// Reads all certificates of a store.
    ///
    /// - Parameters:
    ///   - path: A folder, or a pattern of files with `*`, `?` and `[…]`, as `security_cert_store`.
    ///   - now: The time, at which no certificate may have expired.
    /// - Throws: ``CeleriacError`` with code `configuration`.
    init(path: String, now: Date) throws(CeleriacError) {
        var certificates: [String: SigningCertificate] = [:]
        for file in Self.files(of: path) {
            let certificate = try SigningCertificate(pem: CelerySecurity.content(of: file), place: file)
            guard !certificate.hasExpired(at: now) else {
                throw CeleriacError(.configuration, "the certificate \(file) has expired")
            }
            guard certificates.updateValue(certificate, forKey: certificate.id) == nil else {
                throw CeleriacError(
                    .configuration, "\(file) is the second certificate with the same issuer and serial number")
            }
        }
        guard !certificates.isEmpty else {
            throw CeleriacError(.configuration, "there is no certificate at security_cert_store: \(path)")
        }
        self.certificates = certificates
    }

    /// The certificate of a signer.
    subscript(signer: String) -> SigningCertificate? { certificates[signer] }

    /// The files of a store. As in Python, those of a folder whose names begin with a dot are none of them.
    private static func files(of path: String) -> [String] {
        var status = stat()
        let isFolder = stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(isFolder ? path + "/*" : path, 0, nil, &found) == 0, let paths = found.gl_pathv else { return [] }
        return UnsafeBufferPointer(start: paths, count: Int(found.gl_pathc)).compactMap { path in
            path.map { String(cString: $0) }
        }
    }
}
#endif
