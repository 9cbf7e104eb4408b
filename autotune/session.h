/* Between search.c, which decides what to try, and session.c, which opens, records and ends a run. */
#ifndef TG_AUTOTUNE_SESSION_H
#define TG_AUTOTUNE_SESSION_H

#include "autotune/tuner.h"

double tg_session_left_ms(const tg_session *s);
/* The default schedule as the first try. */
tg_try *tg_session_base(tg_session *s);
/* Searches; the winner, which is the default unless another is clearly faster. */
tg_try *tg_session_run(tg_session *s);
void tg_session_describe(const tg_session *s, const tg_try *t, tg_candidate *out);
/* Writes the outcome to the database; a failure becomes the tuner's warning. */
void tg_session_record(tg_session *s, const tg_try *t);

#endif
