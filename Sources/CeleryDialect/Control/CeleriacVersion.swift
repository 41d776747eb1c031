/// What Celeriac calls itself where nodes tell their software.
enum CeleriacVersion {
    static let text = "0.1.0"
}
