// The parts of glibc's posix_spawn that stand behind _GNU_SOURCE, which Swift's Glibc module does not define.
// Present since glibc 2.34 (Debian 12, Ubuntu 22.04).
#ifndef CELERIAC_CSPAWN_H
#define CELERIAC_CSPAWN_H

#include <spawn.h>

/// POSIX_SPAWN_SETSID: the child starts a session of its own.
static const short celeriac_spawn_setsid = 0x80;

/// Closes every descriptor from `from` on in the child.
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);

#endif
