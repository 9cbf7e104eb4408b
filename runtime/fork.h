/* Objects with threads of their own, in a process that forks: the child has only the thread that forked, and locks as they were.
 *
 * What is watched is brought to rest before the fork, and told afterwards. `before` and `after` run on the thread that forks and may wait
 * for the object's own threads, not for others. */
#ifndef TG_RUNTIME_FORK_H
#define TG_RUNTIME_FORK_H

#include <stdbool.h>

typedef struct tg_fork_watch {
    void (*before)(struct tg_fork_watch *watch);
    void (*after)(struct tg_fork_watch *watch, bool is_child);
    struct tg_fork_watch *next, **at; /* of the list */
} tg_fork_watch;

void tg_fork_enlist(tg_fork_watch *watch); /* both functions set */
void tg_fork_delist(tg_fork_watch *watch); /* fine if it never was in the list (zeroes) */

#endif
