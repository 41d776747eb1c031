import CeleriacWire

/// Prints what workers reply, in the words and the layout of Celery's `inspect`, `control` and `status`.
///
/// Some of it is deliberately not as Celery prints it: the replies come in the order of the nodes' names, and after all of
/// them are there; text reads as it is, where Celery's JSON for people is ASCII; what would control the terminal is
/// escaped; and with `--json` there is nothing but JSON, where Celery's `status` adds a line.
struct ReplyPrinter {
    let output: CommandOutput
    let style: TerminalStyle
    /// Whether arrows and the count of the workers are left out.
    let isQuiet: Bool

    /// Prints replies.
    ///
    /// - Parameters:
    ///   - replies: the replies.
    ///   - kind: whether somebody asked or changed something, for which Celery's JSON has different forms.
    ///   - showsBody: whether the content is shown to a person, or only that there is a reply.
    func show(_ replies: [NodeReply], of kind: RemoteCommand.Kind, showsBody: Bool = true) {
        output.show(value: Self.value(of: replies, kind)) {
            lines(of: replies, showsBody: showsBody) + (kind == .inspect ? count(of: replies) : [])
        }
    }

    /// The replies as JSON: an object by node, or a list of such objects with one node each after a change.
    private static func value(of replies: [NodeReply], _ kind: RemoteCommand.Kind) -> WireValue {
        switch kind {
        case .inspect: .object(WireObject(replies.map { ($0.node, $0.value) }))
        case .control: .array(replies.map { .object([$0.node: $0.value]) })
        }
    }

    /// The lines for a person.
    func lines(of replies: [NodeReply], showsBody: Bool) -> [String] {
        replies.flatMap { reply in
            let (isError, body) = pretty(reply.value)
            let arrow = isQuiet ? "" : style.text("->", .white) + " "
            let node = style.text("\(reply.node.printable): ", .cyan)
            let status = isError ? style.text("ERROR", .red) : style.text("OK", .green)
            return ["\(arrow) \(node)\(status)"] + (showsBody ? body.map { "    " + $0 } : [])
        }
    }

    /// How many workers are there.
    private func count(of replies: [NodeReply]) -> [String] {
        if isQuiet { return [] }
        let count = Set(replies.map(\.node)).count
        return ["", "\(count.counting("node")) online."]
    }

    /// The lines of a value, as Celery's commands show it, and whether it is an error.
    private func pretty(_ value: WireValue) -> (isError: Bool, lines: [String]) {
        switch value {
        case .array(let items):
            if items.isEmpty { return (false, ["- empty -"]) }
            let star = style.text("*", .white, isBold: false)
            return (
                false,
                items.flatMap { item in
                    let lines = Self.lines(PythonText.str(item))
                    return ["\(star) \(lines.first ?? "")"] + lines.dropFirst()
                }
            )
        case .object(let object):
            if let value = object["ok"] { return (false, pretty(value).lines.map { "    " + $0 }) }
            if let value = object["error"] { return (true, pretty(value).lines.map { "    " + $0 }) }
            return (false, PythonText.indentedJSON(value).map(\.printable))
        default:
            return (false, Self.lines(PythonText.str(value)))
        }
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).printable }
    }
}
