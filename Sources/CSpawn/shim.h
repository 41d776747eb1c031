// The parts of glibc's posix_spawn that stand behind _GNU_SOURCE, which Swift's Glibc module does not define.
// Present since glibc 2.34 (Debian 12, Ubuntu 22.04).
#ifndef CELERIAC_CSPAWN_H
#define CELERIAC_CSPAWN_H

#include <signal.h>
#include <spawn.h>

/// POSIX_SPAWN_SETSID: the child starts a session of its own.
static const short celeriac_spawn_setsid = 0x80;

/// The child has every signal's usual disposition and blocks none: threads of this process may block some, which a child
/// would inherit. `flags` are set besides.
static inline int celeriac_spawn_set_signals(posix_spawnattr_t *attributes, short flags) {
    sigset_t signals;
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(attributes, &signals);
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(attributes, &signals);
    return posix_spawnattr_setflags(attributes, (short)(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | flags));
}

/// Closes every descriptor from `from` on in the child.
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

#endif
