/// What should be told about settings that are taken, a sentence each.
package struct SettingRemarks: Sendable {
    /// About what has no effect.
    package var notices: [String] = []
    /// About names that nobody knows.
    package var warnings: [String] = []

    package init() {}
}
