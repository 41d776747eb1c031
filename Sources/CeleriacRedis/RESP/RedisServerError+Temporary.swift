#if Redis
extension RedisServerError {
    /// What a server answers that is loading, full, without its replicas or its disk, busy with a script, or that became a
    /// replica: the command is in order, and may succeed later.
    private static let temporaryCodes: Set<Substring> = [
        "READONLY", "MISCONF", "NOREPLICAS", "BUSY", "OOM", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "LOADING",
        "UNKILLABLE",
    ]

    /// Whether the same command may succeed later, rather than being wrong.
    package var isTemporary: Bool {
        if Self.temporaryCodes.contains(Substring(code)) { return true }
        // Redis before 7 wraps what a script ran into: "ERR Error running script (call to f_…): @user_script:1: OOM …".
        guard message.hasPrefix("Error running script") else { return false }
        return message.split(separator: ": ").dropFirst().contains { part in
            let word = part.drop { $0 == "-" }.prefix { $0 != " " }
            return Self.temporaryCodes.contains(word)
        }
    }
}
#endif
