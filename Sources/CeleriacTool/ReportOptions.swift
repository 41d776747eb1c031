import ArgumentParser
import CeleriacCommand
import Foundation

/// What a run of many cases prints, and where it writes its report besides.
struct ReportOptions: ParsableArguments {
    @OptionGroup var printing: OutputOptions

    @Option(help: "Write the report to this file as JSON.")
    var jsonFile: String?

    @Option(help: "Write the report to this file as JUnit's XML.")
    var junit: String?

    /// The files to write, by the names of their options.
    var targets: [Target] { [Target("--json-file", jsonFile), Target("--junit", junit)] }

    /// A file that an option names to be written, if it does.
    struct Target {
        let option: String
        let path: String?

        init(_ option: String, _ path: String?) {
            self.option = option
            self.path = path
        }
    }

    /// Refuses to write over what a run reads.
    ///
    /// - Parameters:
    ///   - targets: the files to write.
    ///   - inputs: the files that are read, and folders whose files are.
    /// - Throws: `ValidationError` that names the option.
    static func refuse(_ targets: [Target], over inputs: [String]) throws {
        let read = inputs.map(place)
        for target in targets {
            guard let path = target.path else { continue }
            let written = place(path)
            guard !read.contains(where: { written == $0 || written.hasPrefix($0 + "/") }) else {
                throw ValidationError("\(target.option) \(path): the run reads that itself. Name another file.")
            }
        }
    }

    private static func place(_ path: String) -> String {
        URL(filePath: path).standardizedFileURL.resolvingSymlinksInPath().path
    }

    /// Writes a file, of which nobody sees a part.
    ///
    /// - Throws: `ExitCode` 2 if it cannot be written, which is said.
    static func write(_ text: String, to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            CommandEnvironment.say("Error: \(path) cannot be written: \(error)")
            throw ExitCode(2)
        }
    }
}
