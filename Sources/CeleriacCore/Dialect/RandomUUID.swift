import struct FoundationEssentials.UUID

/// A random UUID (version 4) in lower case.
package func randomUUID() -> String { UUID().uuidString.lowercased() }
