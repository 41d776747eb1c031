import CeleriacWire
import CeleryWire
import FoundationEssentials
import Testing

/// Where the error callbacks of a canvas go, as in `celery.canvas` of 5.7.
@Suite struct ErrorCallbackTests {
    private let fail = CelerySignature(task: "x.fail")
    private let tsum = CelerySignature(task: "x.tsum")

    private func echo(_ text: WireValue) -> WireValue {
        CelerySignature(task: "x.echo", args: [text], immutable: true).encode()
    }

    private func messages(
        _ signature: CelerySignature, options: WireObject = [:], linksErrorsInHeaders: Bool = false
    ) throws -> [CeleryTaskMessage] {
        var next = 0
        var canvas = CeleryCanvas(
            lineage: CeleryLineage(), now: Date(timeIntervalSince1970: 0), chords: .counted,
            newID: {
                next += 1
                return "id-\(next)"
            })
        canvas.linksErrorsInHeaders = linksErrorsInHeaders
        try canvas.apply(signature, options: options)
        return canvas.steps.compactMap { step in
            if case .publish(let message, _) = step { message } else { nil }
        }
    }

    private func errbacks(_ signature: CelerySignature) -> WireValue? { signature.options["link_error"] }

    /// What Celery 5.7.0 sends for `chord([add], group(fail, tsum).set(link_error=…)).apply_async(link_error=…)`.
    @Test func aGroupBodyWithItsOwnGetsThoseOfTheChord() throws {
        let body = CelerySignature.group([fail, tsum], options: ["link_error": echo("group")])
        let chord = CelerySignature.chord(.group([CelerySignature(task: "x.add", immutable: true)]), body: body)
        let sent = try #require(try messages(chord, options: ["link_error": echo("chord")]).first?.embed.chord)
        let group = try CelerySignature.decode(sent)
        #expect(errbacks(group) == [echo("group"), echo("chord")])
        #expect(try group.members().map { errbacks($0) } == [nil, nil])
    }

    @Test func theTasksOfAGroupBodyGetThoseOfTheChord() throws {
        var own = fail
        try own.linkError(echo("own"))
        let chord = CelerySignature.chord(
            .group([CelerySignature(task: "x.add", immutable: true)]), body: .group([own, .group([tsum])]))
        let sent = try #require(try messages(chord, options: ["link_error": echo("chord")]).first?.embed.chord)
        let members = try CelerySignature.decode(sent).members()
        #expect(errbacks(members[0]) == [echo("own"), echo("chord")])
        #expect(errbacks(try members[1].kind == .group ? members[1].members()[0] : members[1]) == [echo("chord")])
    }

    @Test func thoseOfAGroupTakeThePlaceOfItsTasks() throws {
        var own = fail
        try own.linkError(echo("own"))
        let group = CelerySignature.group([own, tsum], options: ["link_error": [echo("group")]])
        #expect(try messages(group).map(\.embed.errbacks) == [[echo("group")], [echo("group")]])
        let chord = CelerySignature.group(
            [.chord(.group([CelerySignature(task: "x.add")]), body: own)], options: ["link_error": [echo("group")]])
        let body = try CelerySignature.decode(try #require(try messages(chord).first?.embed.chord))
        #expect(errbacks(body) == [echo("own"), echo("group")])
    }

    @Test func thoseOfAChainGoToEachTaskOfAGroupAtItsEnd() throws {
        var own = fail
        try own.linkError(echo("own"))
        let chain = CelerySignature.chain(
            [CelerySignature(task: "x.add"), .group([own, tsum])], options: ["link_error": [echo("chain")]])
        let sent = try #require(try messages(chain).first?.embed.chain?.arrayValue?.first)
        let group = try CelerySignature.decode(sent)
        #expect(errbacks(group) == nil)
        #expect(try group.members().map { errbacks($0) } == [[echo("own"), echo("chain")], [echo("chain")]])
    }

    @Test func thoseOfAChordGoToTheBodiesOfTheChordsInItsHeader() throws {
        var chord = CelerySignature.chord(
            .group([.chord(.group([fail]), body: tsum), fail]), body: CelerySignature(task: "x.sum"))
        try chord.linkError(echo("chord"))
        let header = try chord.header().members()
        #expect(errbacks(try header[0].body()) == [echo("chord")])
        #expect(errbacks(header[1]) == nil)
        #expect(errbacks(try chord.body()) == [echo("chord")])
    }

    /// What Celery 5.7.0 makes of `chord.link_error(errback)` with `task_allow_error_cb_on_chord_header`.
    @Test func thoseOfAChordAlsoGoToItsHeaderIfThatIsSet() throws {
        let errback = CelerySignature(task: "x.echo", args: ["chord"]).encode()
        // As Celery writes it.
        let copy: WireValue = [
            "task": "x.echo", "args": ["chord"], "kwargs": [:], "options": ["immutable": true], "subtask_type": nil,
            "immutable": false,
        ]
        var chord = CelerySignature.chord(
            .group([.chord(.group([fail]), body: tsum), fail]), body: CelerySignature(task: "x.sum"))
        try chord.linkError(errback, alsoInHeaders: true)
        let header = try chord.header().members()
        #expect(errbacks(header[1]) == [copy])
        #expect(errbacks(try header[0].header().members()[0]) == [copy])
        // The nested chord gets it as a task of the header, and once more as a chord.
        #expect(errbacks(try header[0].body()) == [copy, errback])
        #expect(errbacks(try chord.body()) == [errback])
    }

    @Test(arguments: [true, false]) func thoseOfAChainReachHeadersIfThatIsSet(_ isSet: Bool) throws {
        let chord = CelerySignature.chord(.group([CelerySignature(task: "x.add")]), body: tsum)
        let chain = CelerySignature.chain([chord, fail], options: ["link_error": [echo("chain")]])
        let sent = try messages(chain, linksErrorsInHeaders: isSet)
        var copy = try CelerySignature.decode(echo("chain"))
        copy.options["immutable"] = true
        #expect(sent.map(\.task) == ["x.add"])
        let expected: WireValue? = isSet ? .array([copy.encode()]) : .none
        #expect(sent.first?.embed.errbacks == expected)
    }
}
