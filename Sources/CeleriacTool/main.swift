import ArgumentParser
import CeleriacCommand

await CeleriacRootCommand.main()
