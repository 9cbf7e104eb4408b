/* Between search.c, which decides what to try, and session.c, which opens, records and ends a run. */
#ifndef TG_AUTOTUNE_SESSION_H
#define TG_AUTOTUNE_SESSION_H

#include "autotune/tuner.h"

double tg_session_left_ms(const tg_session *s);
/* s->base: the compiler's own choice as the first try, as a kernel of its own: the caller's may run under what a tuner chose. */
tg_status tg_session_base(tg_session *s);
/* Searches; the winner, which is the default unless another is clearly faster. */
tg_try *tg_session_run(tg_session *s);
bool tg_try_is_measured(const tg_try *t);
/* Ranks the space by the model. */
void tg_propose_open(tg_session *s);
/* The best of the ranking, each with blocks of its own; in an exhaustive run simply the best. */
uint32_t tg_propose_first(tg_session *s, uint32_t most, tg_point *out);
/* New points from what was measured; `best`: measured tries, the fastest first, at least one. None: nothing promising is left. */
uint32_t tg_propose_next(tg_session *s, tg_try *const *best, uint32_t n_best, uint32_t most,
                         tg_point *out);
/* Writes the outcome to the database; a failure becomes the tuner's warning. */
void tg_session_record(tg_session *s, const tg_try *t);

#endif
