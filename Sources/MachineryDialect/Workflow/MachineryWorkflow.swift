import CeleriacCore
package import MachineryWire

/// A workflow in Machinery's own form.
package enum MachineryWorkflow: NativeSignature {
    /// A complete task, with everything that it carries.
    case signature(MachinerySignature)
    /// Tasks one after the other.
    case chain(MachineryChain)
    /// Tasks that run in parallel.
    case group(MachineryGroup)
    /// Tasks that run in parallel, and one after them.
    case chord(MachineryChord)
}
