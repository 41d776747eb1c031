import NIOCore
import NIOPosix

/// An event loop of the process's shared group.
func sharedEventLoop() -> any EventLoop { MultiThreadedEventLoopGroup.singleton.next() }
