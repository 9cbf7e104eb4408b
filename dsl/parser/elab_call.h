/* Shared by elab_bind.c (arguments to parameters) and elab_call.c (the body). */
#ifndef TG_PARSER_ELAB_CALL_H
#define TG_PARSER_ELAB_CALL_H

#include "dsl/parser/elab_internal.h"

/* one parameter's argument */
typedef struct tg_actual {
    const tg_expr *x; /* null when applied to values */
    tg_ev v;
    tg_span span;
    bool given;
} tg_actual;

/* The declaration that gives parameters and result: the plain function, or an extern one
 * without it. */
const tg_fn *tg_call_signature(const tg_function *f);
void tg_call_report_count(tg_elab *e, const tg_fn *fn, uint32_t given, tg_span span);
/* Evaluates the arguments of a call in the caller's scope, by position and name. False after a
 * report. */
bool tg_call_match(tg_elab *e, const tg_fn *fn, const tg_expr *call, tg_actual *out);
/* Deduces the type parameters (E0203, E0209). */
bool tg_call_bind_types(tg_elab *e, const tg_fn *fn, const tg_actual *args, tg_span span,
                        tg_dtype *out);
/* Fills the callee's scope; `lift` receives the axes beyond the declared ones. */
bool tg_call_bind_parameters(tg_elab *e, const tg_fn *fn, tg_actual *args,
                             const tg_dtype *types, tg_axes *lift);
/* A value or tuple to a declared type. */
tg_ev tg_call_convert(tg_elab *e, const tg_tref *t, const tg_ev *v, tg_span span);

#endif
