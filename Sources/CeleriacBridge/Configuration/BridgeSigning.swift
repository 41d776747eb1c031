import CeleriacCore
import CeleryDialect

/// The keys of a Celery side whose messages are signed, under Celery's names: an unsigned message does not pass, and what the
/// bridge makes is signed.
struct BridgeSigning: Sendable, Hashable {
    private let key: String
    private let password: String?
    private let certificate: String
    private let store: String
    private let digest: String

    /// Reads the keys; nil if the side names none.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if one lacks.
    init?(_ section: inout SettingsSection, environment: [String: String]) throws(CeleriacError) {
        let key = try section.text("security_key")
        var password = try section.text("security_key_password")
        let certificate = try section.text("security_certificate")
        let store = try section.text("security_cert_store")
        digest = try section.text("security_digest") ?? "sha256"
        if let text = password { password = try BridgeEndSettings.filled(text, environment, section) }
        self.password = password
        if key == nil, certificate == nil, store == nil { return nil }
        guard let key, let certificate, let store else {
            throw section.error("needs security_key, security_certificate and security_cert_store together")
        }
        self.key = key
        self.certificate = certificate
        self.store = store
    }

    /// What signs and verifies.
    var security: CelerySecurity {
        get throws(CeleriacError) {
            try CelerySecurity(
                key: key, keyPassword: password, certificate: certificate, certificateStore: store, digest: digest)
        }
    }
}
