import CeleriacWire
import CeleryWire
import Testing

@Suite struct RemoteExceptionTests {
    @Test func writesWhatCeleryWrites() throws {
        let exception = CeleryRemoteException(excType: "ValueError", excMessage: ["boom", 42], excModule: "builtins")
        #expect(
            String(decoding: try WireJSON.encode(exception.encode(), style: .python), as: UTF8.self)
                == #"{"exc_type": "ValueError", "exc_message": ["boom", 42], "exc_module": "builtins"}"#)
        #expect(CeleryRemoteException.decode(exception.encode()) == exception)
    }

    private static let stored: [(WireValue, CeleryRemoteException)] = [
        (.null, CeleryRemoteException(excType: "Exception")),
        ("boom", CeleryRemoteException(excType: "Exception", excMessage: ["boom"])),
        (["exc_message": ["x"]], CeleryRemoteException(excType: "Exception", excMessage: [["exc_message": ["x"]]])),
        (["exc_type": "E"], CeleryRemoteException(excType: "E")),
        (["exc_type": "E", "exc_message": nil], CeleryRemoteException(excType: "E")),
        (["exc_type": "E", "exc_message": "m"], CeleryRemoteException(excType: "E", excMessage: ["m"])),
        (
            ["exc_type": "E", "exc_message": ["a": 1], "exc_module": 5],
            CeleryRemoteException(excType: "E", excMessage: [["a": 1]])
        ),
        (
            [["exc_type", "E"], ["exc_message", [1]], ["exc_module", "m"]],
            CeleryRemoteException(excType: "E", excMessage: [1], excModule: "m")
        ),
        ([1, 2], CeleryRemoteException(excType: "Exception", excMessage: [[1, 2]])),
        ([["exc_type"]], CeleryRemoteException(excType: "Exception", excMessage: [[["exc_type"]]])),
    ]

    @Test(arguments: stored)
    func readsWhateverIsThere(_ value: WireValue, _ expected: CeleryRemoteException) {
        #expect(CeleryRemoteException.decode(value) == expected)
    }
}
