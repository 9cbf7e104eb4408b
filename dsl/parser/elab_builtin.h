/* Functions named in builtins.def that live outside elab_builtin.c. */
#ifndef TG_PARSER_ELAB_BUILTIN_H
#define TG_PARSER_ELAB_BUILTIN_H

#include "dsl/parser/elab_internal.h"

/* elab_reduce.c */
tg_ev tg_builtin_fold(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_mean(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_argminmax(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_quantifier(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_count(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_fold_fn(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_scan(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_dot(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_dot_scaled(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_sort(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_topk(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_histogram(tg_elab *e, const tg_call *c);

/* elab_atomic.c: with effects or random */
tg_ev tg_builtin_atomic(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_rand(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_print(tg_elab *e, const tg_call *c);
tg_ev tg_builtin_assert(tg_elab *e, const tg_call *c);

#endif
