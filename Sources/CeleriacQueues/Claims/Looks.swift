package import CeleriacCore

/// Who waits until a consumer has looked at its queues and its worker has what was there.
///
/// A look begins before the consumer claims. It ends when nothing was there, or when the worker asks for more, since it
/// then has taken in what it got before.
package struct Looks: Sendable {
    /// Those who asked after the last look began.
    private var asked: [Gate] = []
    /// Those for whom the consumer is looking.
    private var served: [Gate] = []

    package init() {}

    /// Whether the consumer must look before it waits for a message.
    package var isAsked: Bool { !asked.isEmpty }

    /// Asks for a look, at whose end the gate opens.
    package mutating func ask() -> Gate {
        let gate = Gate()
        asked.append(gate)
        return gate
    }

    /// Begins a look.
    package mutating func begin() {
        served += asked
        asked = []
    }

    /// Ends the look that has begun.
    package mutating func end() {
        for gate in served { gate.open() }
        served = []
    }

    /// Lets all go, because nobody will look again.
    package mutating func close() {
        begin()
        end()
    }
}
