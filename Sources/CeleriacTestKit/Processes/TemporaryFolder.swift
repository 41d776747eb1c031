import Foundation
import Glibc

/// A private folder in the system's temporary folder. ``remove()`` or the end of this process removes it.
package struct TemporaryFolder: Sendable {
    /// The absolute path.
    package let path: String

    /// Creates a folder whose name contains `name`.
    package init(_ name: String) throws(TestKitError) {
        let base = FileManager.default.temporaryDirectory.standardizedFileURL.path
        var template = Array("\(base)/celeriac-\(name)-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw .system("cannot create a folder in \(base)", errno: errno) }
        path = String(cString: made)
        try Reaper.watch(folder: path)
    }

    /// Removes the folder and everything in it.
    package func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
