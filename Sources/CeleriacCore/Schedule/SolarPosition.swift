#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where the sun stands, to about 0.01°: the low-precision method of Meeus, "Astronomical Algorithms", chapters 12 and 25.
struct SolarPosition {
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
