import FoundationEssentials

/// A file whose first line is a secret, such as a password that somebody changes now and then.
package enum SecretFile {
    /// Reads the secret as it is now. Any further lines do not count.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, which names the file and not what is in it.
    package static func read(_ path: String) throws(CeleriacError) -> String {
        guard let content = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw CeleriacError(.configuration, "the file \(path), which has a secret, cannot be read")
        }
        return String(content.prefix { !$0.isNewline })
    }
}
