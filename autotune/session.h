/* Between search.c, which decides what to try, and session.c, which opens, records and ends a run. */
#ifndef TG_AUTOTUNE_SESSION_H
#define TG_AUTOTUNE_SESSION_H

#include "autotune/tuner.h"

double tg_session_left_ms(const tg_session *s);
/* s->base: the compiler's own choice as the first try, as a kernel of its own: the caller's may run under what a tuner chose. */
tg_status tg_session_base(tg_session *s);
/* Searches; the winner, which is the default unless another is clearly faster. */
tg_try *tg_session_run(tg_session *s);
/* Writes the outcome to the database; a failure becomes the tuner's warning. */
void tg_session_record(tg_session *s, const tg_try *t);

#endif
