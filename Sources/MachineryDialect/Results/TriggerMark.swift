#if AMQP || Redis
/// What stores keep beside a group while its callback is sent: a key in Redis, a queue at RabbitMQ. Go knows neither.
enum TriggerMark {
    /// The name of a group's mark.
    static func name(ofGroup groupID: String) -> String { groupID + ".celeriac.trigger" }
}
#endif
