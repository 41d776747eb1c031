import Foundation
import Glibc

/// A folder of our own under the system's temporary folder, removed by ``remove()`` or when this process ends.
package struct TemporaryFolder: Sendable {
    /// The absolute path.
    package let path: String

    /// Makes a folder whose name contains `name`.
    package init(_ name: String) throws(TestKitError) {
        let base = FileManager.default.temporaryDirectory.standardizedFileURL.path
        var template = Array("\(base)/celeriac-\(name)-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw .system("could not make a folder in \(base)", errno: errno) }
        path = String(cString: made)
        try Reaper.watch(folder: path)
    }

    /// Removes the folder with all that is in it.
    package func remove() {
        try? FileManager.default.removeItem(atPath: path)
    }
}
