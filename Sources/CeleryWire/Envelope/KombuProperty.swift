/// The names of properties that `MessageProperties` and `KombuEnvelope` have fields for.
enum KombuProperty {
    case correlationID, replyTo, deliveryMode, priority, expiration, messageID, timestamp, type, userID, appID
    case deliveryInfo, bodyEncoding, deliveryTag

    /// The property of a name; `nil` for one that is kept in `other`.
    init?(_ name: String) {
        switch name.utf8.count {
        case 4 where name == "type": self = .type
        case 6 where name == "app_id": self = .appID
        case 7 where name == "user_id": self = .userID
        case 8 where name == "reply_to": self = .replyTo
        case 8 where name == "priority": self = .priority
        case 9 where name == "timestamp": self = .timestamp
        case 10 where name == "expiration": self = .expiration
        case 10 where name == "message_id": self = .messageID
        case 12 where name == "delivery_tag": self = .deliveryTag
        case 13 where name == "delivery_mode": self = .deliveryMode
        case 13 where name == "delivery_info": self = .deliveryInfo
        case 13 where name == "body_encoding": self = .bodyEncoding
        case 14 where name == "correlation_id": self = .correlationID
        default: return nil
        }
    }
}
