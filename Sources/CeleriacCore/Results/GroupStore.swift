/// A result store that knows when all members of a group have ended.
public protocol GroupStore: ResultStore {
    /// Stores groups. Call it before any of their members is sent.
    func open(_ groups: [GroupRecord]) async throws

    /// Counts members as ended.
    ///
    /// - Returns: for each part nil, or, where it is the last of its group and nobody else has been told so, the states of
    ///   all members.
    func join(_ parts: [GroupPart]) async throws -> [[[UInt8]]?]
}
