#if Redis
import CeleriacRedis
import Testing

@Suite("Errors of a Redis server")
struct RedisServerErrorTests {
    @Test(
        "are temporary where the server cannot do it now",
        arguments: [
            ("READONLY", "You can't write against a read only replica."),
            ("MISCONF", "Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."),
            ("NOREPLICAS", "Not enough good replicas to write."),
            ("BUSY", "Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."),
            ("UNKILLABLE", "Sorry the script already executed write commands against the dataset."),
            ("OOM", "command not allowed when used memory > 'maxmemory'."),
            ("TRYAGAIN", "Multiple keys request during rehashing of slot"),
            ("CLUSTERDOWN", "The cluster is down"),
            ("MASTERDOWN", "Link with MASTER is down and replica-serve-stale-data is set to 'no'."),
            ("LOADING", "Redis is loading the dataset in memory"),
            ("ERR", "Error running script (call to f_abc): @user_script:1: OOM command not allowed"),
            ("ERR", "Error running script (call to f_abc): @user_script: 1: -READONLY You can't write"),
        ])
    func temporary(code: String, message: String) {
        let error = RedisServerError(code: code, message: message)
        #expect(error.isTemporary)
        #expect(RedisError(.server, "refused", serverError: error).isOutOfReach)
    }

    @Test(
        "are final where the command is wrong",
        arguments: [
            ("WRONGTYPE", "Operation against a key holding the wrong kind of value"),
            ("ERR", "unknown command 'READONLY'"),
            ("ERR", "Error running script (call to f_abc): @user_script:1: WRONGTYPE Operation against a key"),
            ("BUSYGROUP", "Consumer Group name already exists"),
        ])
    func final(code: String, message: String) {
        let error = RedisServerError(code: code, message: message)
        #expect(!error.isTemporary)
        #expect(!RedisError(.server, "refused", serverError: error).isOutOfReach)
    }
}
#endif
