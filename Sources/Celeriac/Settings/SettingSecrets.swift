package import CeleriacWire

/// What is secret of settings, as Celery's `inspect conf` decides it.
package enum SettingSecrets {
    /// What stands in the place of a secret.
    package static let mask = "********"

    /// Whose names contain one of these is secret.
    private static let words = [
        "api", "token", "key", "secret", "pass", "profanities_list", "signature", "database", "beat_dburi",
    ]

    /// A setting's value as it may be shown.
    package static func masked(_ name: String, _ value: WireValue) -> WireValue {
        let lower = name.lowercased()
        if !value.isNull, words.contains(where: { lower.contains($0) }) { return .string(mask) }
        switch value {
        case .object(let object): return .object(WireObject(object.map { ($0.key, masked($0.key, $0.value)) }))
        case .array(let values): return .array(values.map { masked(name, $0) })
        case .string(let text): return .string(maskedURLs(text))
        default: return value
        }
    }

    /// Masks the passwords of URLs, which a `;` may separate.
    private static func maskedURLs(_ text: String) -> String {
        var urls: [String] = []
        for piece in text.split(separator: ";", omittingEmptySubsequences: false) {
            // Only a scheme begins another URL: a password may have a `;`.
            if urls.isEmpty || piece.contains("://") {
                urls.append(String(piece))
            } else {
                urls.append((urls.popLast() ?? "") + ";" + String(piece))
            }
        }
        return urls.map(maskedURL).joined(separator: ";")
    }

    private static func maskedURL(_ url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return url }
        let rest = url[scheme.upperBound...]
        guard let end = rest.lastIndex(of: "@"), let colon = rest[..<end].firstIndex(of: ":") else { return url }
        return String(url[...colon]) + mask + String(url[end...])
    }
}
