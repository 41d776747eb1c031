import CeleriacWire
import Testing

@Test func roundTrip() throws {
    let text = #"[[2, 3], {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null, "x": "a\u00e9\ud83d\ude00\u007f\n\"", "y": -1.5e300, "z": 1180591620717411303424, "w": -9223372036854775808}]"#
    let value = try JSON.decode(Array(text.utf8))
    #expect(value[0]?[1]?.intValue == 3)
    #expect(value[2]?["x"]?.stringValue == "aé😀\u{7f}\n\"")
    let out = try JSON.encode(value, style: .python)
    #expect(String(decoding: out, as: UTF8.self) == text.replacing("-1.5e300", with: "-1.5e+300"))
    let b: [UInt8] = Base64.encode(out)
    #expect(try Base64.decode(b) == out)
}
