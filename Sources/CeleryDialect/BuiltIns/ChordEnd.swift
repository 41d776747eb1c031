import CeleriacCore
import CeleriacWire

/// All results of a chord's header are known, or will never be: what a `celery.chord_unlock` leaves to be done.
struct ChordEnd: Sendable {
    /// The signature of the body.
    let body: WireValue
    /// The results that the body gets, or what it fails with.
    let results: Result<[WireValue], ChordResults.Failure>
}
