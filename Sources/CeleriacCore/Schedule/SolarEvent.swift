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
