import MachineryWire

/// An instant as the clocks and calendars of a zone show it.
struct ZonedTime: Sendable {
    /// Seconds since 1970.
    let seconds: Int64
    let zone: ZoneRules
    let year: Int
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int
    /// 0 is Sunday.
    let weekday: Int

    init(seconds: Int64, zone: ZoneRules) {
        self.seconds = seconds
        self.zone = zone
        let local = seconds + zone.offset(at: seconds)
        let days = Int((local >= 0 ? local : local - 86_399) / 86_400)
        let rest = Int(local) - days * 86_400
        (year, month, day) = CivilDate.of(daysSince1970: days)
        hour = rest / 3600
        minute = rest / 60 % 60
        second = rest % 60
        weekday = ((days + 4) % 7 + 7) % 7
    }

    /// The instant at which the zone's clocks show a time. As Go's `time.Date`: a day past the end of a month is in the
    /// next one, and where clocks skip the time or show it twice, one of the two offsets counts.
    init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0, zone: ZoneRules) {
        let years = year + (month - 1) / 12
        let days = CivilDate.daysSince1970(year: years, month: (month - 1) % 12 + 1, day: 1) + day - 1
        let local = Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
        let guess = local - zone.offset(at: local)
        self.init(seconds: local - zone.offset(at: guess), zone: zone)
    }

    func adding(_ seconds: Int64) -> ZonedTime { ZonedTime(seconds: self.seconds + seconds, zone: zone) }

    var inNextMonth: ZonedTime {
        ZonedTime(year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second, zone: zone)
    }

    var onNextDay: ZonedTime {
        ZonedTime(year: year, month: month, day: day + 1, hour: hour, minute: minute, second: second, zone: zone)
    }
}
