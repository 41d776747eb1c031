import ArgumentParser
import CeleriacCommand

// A type of our own: at the top level of a main.swift the compiler would choose ArgumentParser's synchronous `main`.
@main enum Tool {
    static func main() async { await CeleriacRootCommand.main() }
}
