import MachineryDialect

/// Something that is sent again and again.
struct PeriodicTask: Sendable {
    /// When, as it was written: part of the lock's name.
    let spec: String
    let name: String
    let schedule: CronSchedule
    let send: @Sendable (MachineryServer) async throws -> Void
}
