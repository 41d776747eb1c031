public import struct FoundationEssentials.Date

/// Runs at an event of the sun at a place: Celery's `solar`.
///
/// Where the event does not happen every day (sunrise in the polar night), it runs the next time that it does. Times are
/// good to some seconds at usual latitudes, and to some minutes where the sun's path grazes the horizon.
public struct SolarSchedule: Schedule, Hashable {
    /// The event.
    public let event: SolarEvent
    /// Degrees north, -90 to 90.
    public let latitude: Double
    /// Degrees east, -180 to 180.
    public let longitude: Double

    /// Runs at `event` at a place.
    ///
    /// - Parameters:
    ///   - latitude: degrees north, -90 to 90.
    ///   - longitude: degrees east, -180 to 180.
    /// - Throws: ``CeleriacError`` with code `configuration` for a place outside the earth.
    public init(_ event: SolarEvent, latitude: Double, longitude: Double) throws(CeleriacError) {
        guard -90...90 ~= latitude else {
            throw CeleriacError(.configuration, "the latitude is \(latitude), but must be between -90 and 90")
        }
        guard -180...180 ~= longitude else {
            throw CeleriacError(.configuration, "the longitude is \(longitude), but must be between -180 and 180")
        }
        self.event = event
        self.latitude = latitude
        self.longitude = longitude
    }

    /// The next time of the event; nil if there is none within a year.
    public func next(after lastRun: Date) -> Date? {
        let start = lastRun.timeIntervalSince1970
        // The formulas hold for some thousand years.
        guard abs(start) < 1e11 else { return nil }
        // The event of a day may lie before or after the last run.
        var noon = meridian(after: start - 86_400)
        for _ in 0..<370 {
            let time = event.altitude == nil ? noon : crossing(around: noon)
            // Half a second: two searches for the same event may differ a little.
            if let time, time > start + 0.5 { return Date(timeIntervalSince1970: time.rounded(.up)) }
            noon = meridian(after: noon + 43_200)
        }
        return nil
    }

    /// For instance `sunrise at 52.5, 13.4`.
    public var description: String { "\(event.rawValue) at \(latitude), \(longitude)" }

    /// The first time that the sun crosses the place's meridian after a time.
    private func meridian(after time: Double) -> Double {
        let ahead = 360 - SolarPosition.turned(SolarPosition(at: time).greenwichHourAngle + longitude)
        var noon = time + ahead * 240
        for _ in 0..<4 {
            let angle = SolarPosition.turned(SolarPosition(at: noon).greenwichHourAngle + longitude)
            noon -= (angle > 180 ? angle - 360 : angle) * 240
        }
        return noon
    }

    /// When the sun passes the event's altitude between its lowest and its highest stand of the day; nil if it does not.
    private func crossing(around noon: Double) -> Double? {
        let midnight = event.isRising ? noon - 43_200 : noon + 43_200
        var low = midnight
        var high = noon
        guard height(at: low) < 0, height(at: high) > 0 else { return nil }
        for _ in 0..<40 {
            let middle = (low + high) / 2
            if height(at: middle) < 0 { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }

    /// How far the sun is above the event's altitude, in degrees.
    private func height(at time: Double) -> Double {
        let sun = SolarPosition(at: time)
        let limb = event.isOfLimb ? sun.semidiameter : 0
        return sun.altitude(latitude: latitude, longitude: longitude) + limb - (event.altitude ?? 0)
    }
}

/// What the sun does once a day, at most latitudes. The names are Celery's.
public enum SolarEvent: String, Sendable, Hashable, CaseIterable {
    /// The sun's centre rises to 18° below the horizon.
    case dawnAstronomical = "dawn_astronomical"
    /// The sun's centre rises to 12° below the horizon.
    case dawnNautical = "dawn_nautical"
    /// The sun's centre rises to 6° below the horizon.
    case dawnCivil = "dawn_civil"
    /// The sun's upper limb rises over the horizon, 34′ of refraction counted.
    case sunrise
    /// The sun crosses the meridian.
    case solarNoon = "solar_noon"
    /// The sun's upper limb sets under the horizon, 34′ of refraction counted.
    case sunset
    /// The sun's centre sinks to 6° below the horizon.
    case duskCivil = "dusk_civil"
    /// The sun's centre sinks to 12° below the horizon.
    case duskNautical = "dusk_nautical"
    /// The sun's centre sinks to 18° below the horizon.
    case duskAstronomical = "dusk_astronomical"

    /// The altitude of the sun's centre, or of its upper limb, at the event; in degrees. Nil for noon.
    var altitude: Double? {
        switch self {
        case .dawnAstronomical, .duskAstronomical: -18
        case .dawnNautical, .duskNautical: -12
        case .dawnCivil, .duskCivil: -6
        case .sunrise, .sunset: -34.0 / 60
        case .solarNoon: nil
        }
    }

    /// Whether the event is about the sun's upper limb.
    var isOfLimb: Bool { self == .sunrise || self == .sunset }

    /// Whether it happens while the sun rises.
    var isRising: Bool {
        switch self {
        case .dawnAstronomical, .dawnNautical, .dawnCivil, .sunrise: true
        default: false
        }
    }
}
