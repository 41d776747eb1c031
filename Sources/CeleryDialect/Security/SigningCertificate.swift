#if Signing
import COpenSSL
import CeleriacCore
import Glibc

import struct FoundationEssentials.Date

/// What Celery knows of an X.509 certificate with an RSA key. Nobody verifies who issued it: to be in the store is what
/// makes it trusted.
struct SigningCertificate: Sendable {
    /// The values of the issuer's name and the serial number, with spaces between them: a signer's name in messages.
    let id: String
    /// From when on the certificate is not valid any more.
    let expiry: Date
    /// The public key.
    let key: SigningKey

    /// Reads a certificate.
    ///
    /// - Parameters:
    ///   - pem: The certificate in PEM, the first one if there are several.
    ///   - place: The file, for errors.
    /// - Throws: ``CeleriacError`` with code `configuration`.
    init(pem: [UInt8], place: String) throws(CeleriacError) {
        defer { ERR_clear_error() }
        guard let certificate = PEMReader.read(pem, password: nil, { PEM_read_bio_X509($0, nil, nil, $1) }) else {
            throw CeleriacError(.configuration, "\(place) is not a certificate in PEM")
        }
        defer { X509_free(certificate) }
        guard let key = X509_get_pubkey(certificate).flatMap({ SigningKey(owning: $0) }) else {
            throw CeleriacError(.configuration, "the certificate \(place) has no RSA key, as Celery needs it")
        }
        guard let issuer = Self.issuer(of: certificate), let serial = Self.serialNumber(of: certificate),
            let expiry = Self.expiry(of: certificate)
        else {
            throw CeleriacError(
                .configuration, "the issuer, the serial number or the end of the certificate \(place) cannot be read")
        }
        self.id = "\(issuer) \(serial)"
        self.expiry = expiry
        self.key = key
    }

    /// Whether the certificate is not valid any more. Like Celery, nobody looks at when it begins to be.
    func hasExpired(at now: Date) -> Bool { now >= expiry }

    private static func issuer(of certificate: OpaquePointer) -> String? {
        guard let name = X509_get_issuer_name(certificate) else { return nil }
        var values: [String] = []
        for index in 0..<max(0, X509_NAME_entry_count(name)) {
            guard let entry = X509_NAME_get_entry(name, index), let data = X509_NAME_ENTRY_get_data(entry),
                let value = text(data)
            else { return nil }
            values.append(value)
        }
        return values.joined(separator: " ")
    }

    private static func text(_ string: UnsafeMutablePointer<ASN1_STRING>) -> String? {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&bytes, string)
        guard count >= 0, let bytes else { return nil }
        defer { celeriac_openssl_free(bytes) }
        return String(validating: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
    }

    private static func serialNumber(of certificate: OpaquePointer) -> String? {
        guard let encoded = X509_get0_serialNumber(certificate), let number = ASN1_INTEGER_to_BN(encoded, nil) else {
            return nil
        }
        defer { BN_free(number) }
        guard let digits = BN_bn2dec(number) else { return nil }
        defer { celeriac_openssl_free(digits) }
        return String(cString: digits)
    }

    private static func expiry(of certificate: OpaquePointer) -> Date? {
        var fields = tm()
        guard let time = X509_get0_notAfter(certificate), ASN1_TIME_to_tm(time, &fields) == 1 else { return nil }
        return Date(timeIntervalSince1970: Double(timegm(&fields)))
    }
}
#endif
