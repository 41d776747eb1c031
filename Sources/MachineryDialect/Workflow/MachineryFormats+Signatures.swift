package import CeleriacCore
import CeleriacWire
package import MachineryWire

package import struct FoundationEssentials.Date

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

extension MachineryFormats {
    /// Makes the signature for a submission that is sent as one message: a task, a chain of tasks, or a complete
    /// signature. Ids and routing keys that are not given stay empty.
    ///
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` for arguments that Machinery has no type for,
    ///   `unsupported` for options that its messages cannot carry, and for groups and chords inside.
    package func signature(of submission: Submission, now: Date) throws(CeleriacError) -> MachinerySignature {
        switch submission {
        case .task(let task):
            return try signature(of: task, now: now)
        case .native(let native):
            switch native as? MachineryWorkflow {
            case .signature(let signature)?: return signature
            case .chain(let chain)?: if let nested = chain.nested { return nested }
            case .group?, .chord?, nil: break
            }
            throw CeleriacError(.unsupported, "Machinery has no groups inside of other workflows")
        case .chain(let steps, let options):
            let links = try chain(steps, options, now: now)
            guard let nested = links.nested else { throw CeleriacError(.configuration, "the chain has no tasks") }
            return nested
        case .group, .chord:
            throw CeleriacError(.unsupported, "Machinery has no groups inside of other workflows")
        }
    }

    /// The tasks of a chain, with the chains in it spliced in.
    func chain(_ steps: [Submission], _ options: SubmissionOptions, now: Date) throws(CeleriacError) -> MachineryChain {
        var tasks: [MachinerySignature] = []
        for step in steps {
            var isImmutable = false
            switch step {
            case .chain(let inner, let innerOptions):
                tasks += try chain(inner, innerOptions, now: now).tasks
                continue
            case .native(let native):
                if case .chain(let inner)? = native as? MachineryWorkflow {
                    tasks += inner.tasks
                    continue
                }
            case .task(let task): isImmutable = task.isImmutable
            default: break
            }
            // In Celery, a task says that it takes no results; in Machinery, the task before it says that it passes
            // none on.
            if isImmutable, !tasks.isEmpty { tasks[tasks.count - 1].immutable = true }
            tasks.append(try signature(of: step, now: now))
        }
        guard !tasks.isEmpty else { throw CeleriacError(.configuration, "the chain has no tasks") }
        guard options.options == SendOptions() else {
            throw CeleriacError(.unsupported, "a chain of Machinery has no options of its own: give them to its tasks")
        }
        var links = MachineryChain(tasks)
        if !options.links.isEmpty {
            var last = links.tasks[links.tasks.count - 1]
            last.onSuccess = (last.onSuccess ?? []) + (try signatures(options.links, now: now))
            links.replaceLast(with: last)
        }
        if !options.errorLinks.isEmpty {
            let callbacks = try signatures(options.errorLinks, now: now)
            links = links.mapped { task in
                var task = task
                task.onError = (task.onError ?? []) + callbacks
                return task
            }
        }
        return links
    }

    private func signatures(_ submissions: [Submission], now: Date) throws(CeleriacError) -> [MachinerySignature] {
        var signatures: [MachinerySignature] = []
        for submission in submissions { signatures.append(try signature(of: submission, now: now)) }
        return signatures
    }

    /// The signature of a task.
    func signature(of task: TaskSubmission, now: Date) throws(CeleriacError) -> MachinerySignature {
        let options = task.options
        guard task.keywordArguments.isEmpty else {
            throw CeleriacError(.argumentMismatch, "Machinery has positional arguments only")
        }
        guard options.expires == nil, options.timeLimits == TimeLimits(), options.compression == nil,
            options.serializer == nil || options.serializer == .json, options.exchange == nil
        else {
            throw CeleriacError(
                .unsupported, "Machinery's messages carry no expiry, time limits, compression, serializer or exchange")
        }
        var signature = MachinerySignature(uuid: options.taskID ?? "", name: task.name)
        do {
            var arguments: [MachineryArgument] = []
            for value in task.arguments {
                if let argument = MachineryArgument(wire: value) {
                    arguments.append(argument)
                } else {
                    arguments.append(try MachineryArgument(untyped: value))
                }
            }
            signature.args = arguments
        } catch {
            throw CeleriacError(.argumentMismatch, "an argument of \(task.name) cannot be sent", cause: error)
        }
        signature.routingKey = options.queue ?? options.routingKey ?? ""
        signature.eta = (options.eta ?? options.countdown.map { now.addingTimeInterval($0.seconds) }).map { GoTime($0) }
        signature.headers = options.headers.isEmpty ? nil : options.headers
        signature.priority = options.priority ?? 0
        if !task.links.isEmpty {
            signature.onSuccess = try signatures(task.links, now: now)
            // If one link takes no results, the task passes its results to none of them.
            signature.immutable = task.links.contains { link in
                if case .task(let link) = link { link.isImmutable } else { false }
            }
        }
        if !task.errorLinks.isEmpty { signature.onError = try signatures(task.errorLinks, now: now) }
        return signature
    }
}
