public import struct FoundationEssentials.Date

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Runs at an event of the sun at a place: Celery's `solar`.
///
/// If the event does not happen every day (sunrise in the polar night), the task runs the next time that it does. Times
/// are accurate to a few seconds at usual latitudes, and to a few minutes where the sun's path grazes the horizon.
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
    ///   - event: what the sun does there.
    ///   - latitude: degrees north, -90 to 90.
    ///   - longitude: degrees east, -180 to 180.
    /// - Throws: ``CeleriacError`` with code `configuration` for a latitude or longitude outside its range.
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

    /// The next time of the event; nil if the event does not happen within a year.
    public func next(after lastRun: Date) -> Date? {
        let start = lastRun.timeIntervalSince1970
        // The formulas hold for a few thousand years.
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

    /// When the sun passes the event's altitude between its lowest and its highest point of the day; nil if it does
    /// not.
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

/// Where the sun stands, to about 0.01°: the low-precision method of Meeus, "Astronomical Algorithms", chapters 12 and
/// 25.
private struct SolarPosition {
    /// The sun's hour angle at Greenwich in degrees, 0 up to 360: 0 when it crosses the meridian there.
    let greenwichHourAngle: Double
    /// Its declination in degrees.
    let declination: Double
    /// Half of its apparent diameter in degrees.
    let semidiameter: Double

    /// The position at an instant, seconds since 1970.
    init(at time: Double) {
        let days = time / 86_400 - 10_957.5  // since 1 January 2000, 12:00
        // The sun's tables run on uniform time, which in our years is some 70 s ahead of the earth's turning.
        let centuries = (days + 70 / 86_400) / 36_525
        let meanLongitude = 280.46646 + centuries * (36_000.76983 + centuries * 0.0003032)
        let anomaly = 357.52911 + centuries * (35_999.05029 - centuries * 0.0001537)
        let eccentricity = 0.016708634 - centuries * (0.000042037 + centuries * 0.0000001267)
        let center =
            (1.914602 - centuries * (0.004817 + centuries * 0.000014)) * Self.sine(anomaly)
            + (0.019993 - centuries * 0.000101) * Self.sine(2 * anomaly) + 0.000289 * Self.sine(3 * anomaly)
        let node = 125.04 - 1934.136 * centuries
        let longitude = meanLongitude + center - 0.00569 - 0.00478 * Self.sine(node)
        let distance =
            1.000001018 * (1 - eccentricity * eccentricity) / (1 + eccentricity * Self.cosine(anomaly + center))
        let obliquity = 23.4392911 - 0.0130042 * centuries + 0.00256 * Self.cosine(node)
        let ascension = Self.angle(Self.cosine(obliquity) * Self.sine(longitude), Self.cosine(longitude))
        let earth = days / 36_525
        // With the nutation of the equinox, as the ascension has it.
        let sidereal =
            280.46061837 + 360.98564736629 * days + 0.000387933 * earth * earth
            - 0.00478 * Self.sine(node) * Self.cosine(obliquity)
        greenwichHourAngle = Self.turned(sidereal - ascension)
        declination = asin(Self.sine(obliquity) * Self.sine(longitude)) * 180 / .pi
        semidiameter = 0.266563 / distance
    }

    /// The altitude of the sun's centre over the horizon of a place, in degrees, without refraction.
    func altitude(latitude: Double, longitude: Double) -> Double {
        let sine =
            Self.sine(latitude) * Self.sine(declination)
            + Self.cosine(latitude) * Self.cosine(declination) * Self.cosine(greenwichHourAngle + longitude)
        // 8.8″ of parallax: the place is on the earth's surface, not at its centre.
        return asin(min(max(sine, -1), 1)) * 180 / .pi - 0.00244 * (1 - sine * sine).squareRoot()
    }

    /// An angle brought to 0 up to 360.
    static func turned(_ degrees: Double) -> Double {
        let rest = fmod(degrees, 360)
        return rest < 0 ? rest + 360 : rest
    }

    private static func sine(_ degrees: Double) -> Double { sin(fmod(degrees, 360) * .pi / 180) }

    private static func cosine(_ degrees: Double) -> Double { cos(fmod(degrees, 360) * .pi / 180) }

    private static func angle(_ y: Double, _ x: Double) -> Double { atan2(y, x) * 180 / .pi }
}
