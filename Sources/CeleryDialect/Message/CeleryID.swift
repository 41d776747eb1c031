import CeleriacCore

/// Ids as Celery makes them.
enum CeleryID {
    static func random() -> String { randomUUID() }
}
