import Celeriac

/// Values that both directions of the live matrix exchange.
enum MatrixValues {
    static let json: WireValue = [
        nil, true, false, -3, .number("1180591620717411303424"), 1.5, 2.0, "héllo \u{1F966} \u{0} \"\\ \u{2028}",
        [1, [2, []]], ["a": ["b": nil], "": 0],
    ]

    /// The object that ``MatrixTasks/Rich`` is on Celery's wire.
    static let rich: WireValue = [
        "instant": ["__type__": "datetime", "__value__": "2026-11-23T12:30:15.250000+00:00"],
        "local": ["__type__": "datetime", "__value__": "2026-11-23T12:30:15"],
        "date": ["__type__": "date", "__value__": "2026-11-23"],
        "time": ["__type__": "time", "__value__": "12:30:15.250000"],
        "decimal": ["__type__": "decimal", "__value__": "1.25"],
        "uuid": ["__type__": "uuid", "__value__": ["hex": "12345678123456781234567812345678"]],
        "bytes": ["__type__": "base64", "__value__": "AP/+"],
    ]
}
