import NIOCore
import NIOPosix

/// A loop of the process's shared group.
func sharedEventLoop() -> any EventLoop { MultiThreadedEventLoopGroup.singleton.next() }
