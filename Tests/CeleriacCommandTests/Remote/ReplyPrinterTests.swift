import CeleriacWire
import Testing

@testable import CeleriacCommand

/// The layout is that of Celery 5.7, as its command printed it.
@Suite("What workers reply") struct ReplyPrinterTests {
    private func lines(
        _ value: WireValue, style: TerminalStyle = .plain, isQuiet: Bool = false, showsBody: Bool = true
    ) -> [String] {
        let printer = ReplyPrinter(output: CommandOutput(json: false), style: style, isQuiet: isQuiet)
        return printer.lines(of: [NodeReply(node: "w1@h", value: value)], showsBody: showsBody)
    }

    @Test("is printed as Celery prints it")
    func layout() {
        #expect(lines(["ok": "pong"]) == ["->  w1@h: OK", "        pong"])
        #expect(lines(["ok": "pong"], showsBody: false) == ["->  w1@h: OK"])
        #expect(lines(["error": "unknown task"]) == ["->  w1@h: ERROR", "        unknown task"])
        #expect(lines([]) == ["->  w1@h: OK", "    - empty -"])
        #expect(lines([:]) == ["->  w1@h: OK", "    {}"])
        #expect(lines(nil) == ["->  w1@h: OK", "    None"])
        #expect(lines(["tasks.add", "tasks.b"]) == ["->  w1@h: OK", "    * tasks.add", "    * tasks.b"])
        #expect(
            lines([["id": "a", "args": [4, 1.5, nil, true], "s": "it's", "t": "\"'"]])
                == ["->  w1@h: OK", #"    * {'id': 'a', 'args': [4, 1.5, None, True], 's': "it's", 't': '"\''}"#])
        #expect(lines("two\nlines\n") == ["->  w1@h: OK", "    two", "    lines", "    "])
        #expect(
            lines(["b": [1, [:], []], "a": ["x": "å"]]) == [
                "->  w1@h: OK", "    {", #"        "a": {"#, #"            "x": "å""#, "        },",
                #"        "b": ["#, "            1,", "            {},", "            []", "        ]", "    }",
            ])
        #expect(lines(["ok": "pong"], isQuiet: true) == [" w1@h: OK", "        pong"])
    }

    @Test("is colored as Celery colors it, and cannot control the terminal")
    func colors() {
        let colored = lines(["a"], style: TerminalStyle(isColored: true))
        #expect(
            colored == [
                "\u{1B}[37m\u{1B}[1m->\u{1B}[0m  \u{1B}[36m\u{1B}[1mw1@h: \u{1B}[0m\u{1B}[32m\u{1B}[1mOK\u{1B}[0m",
                "    \u{1B}[37m*\u{1B}[0m a",
            ])
        for value: WireValue in ["\u{1B}[2J", ["\u{1B}[2J"], ["error": "\u{1B}[2J"], ["a\u{1B}[2J": "\u{1B}[2J"]] {
            #expect(lines(value).allSatisfy { !$0.contains("\u{1B}") })
        }
        #expect(!TerminalStyle(noColor: true, environment: [:], isTerminal: true).isColored)
        #expect(!TerminalStyle(noColor: false, environment: ["NO_COLOR": "1"], isTerminal: true).isColored)
        #expect(!TerminalStyle(noColor: false, environment: ["TERM": "dumb"], isTerminal: true).isColored)
        #expect(!TerminalStyle(noColor: false, environment: [:], isTerminal: false).isColored)
        #expect(TerminalStyle(noColor: false, environment: ["NO_COLOR": ""], isTerminal: true).isColored)
    }
}
