/* Shared by sig_build.c, sig_dims.c and sig_expr.c: a signature under construction. */
#ifndef TG_PARSER_SIG_INTERNAL_H
#define TG_PARSER_SIG_INTERNAL_H

#include "dsl/parser/rules.h"

typedef TG_VEC(tg_sig_dim) tg_sig_dims;
typedef TG_VEC(tg_sig_bind) tg_sig_binds;
typedef TG_VEC(tg_sig_check) tg_sig_checks;
typedef TG_VEC(tg_sig_fact) tg_sig_facts;

typedef struct tg_sig_maker {
    const tg_sig_env *env;
    const tg_kernel_decl *kernel;
    tg_signature *sig; /* tparams and params first, the rest grows */
    tg_sig_dims dims;
    tg_sig_binds binds;
    tg_sig_checks checks;
    tg_sig_facts facts;
    tg_span *dim_spans; /* first appearance */
} tg_sig_maker;

/* Position in the signature's list, or -1. */
int32_t tg_sig_find_param(const tg_signature *sig, const char *name);
int32_t tg_sig_find_dim(const tg_signature *sig, const char *name);
int32_t tg_sig_find_tparam(const tg_signature *sig, const char *name);
bool tg_sig_is_tensor(const tg_sig_param *p);

/* The source text of a construct, white space runs as one blank. */
const char *tg_sig_source_text(const tg_sig_env *env, tg_span span);

/* sig_dims.c: names, constant slots, shapes, binds, shape checks */
void tg_sig_make_dims(tg_sig_maker *m);
/* sig_expr.c: `where` conditions and content facts */
void tg_sig_make_where(tg_sig_maker *m, const tg_expr *x);
/* Integer expression of dimensions; false after a report. */
bool tg_sig_make_int(const tg_sig_env *env, const tg_signature *sig, const tg_expr *x,
                     tg_sig_expr *out);
/* A constant: literals and module constants. */
bool tg_sig_make_constant(const tg_sig_env *env, const tg_expr *x, tg_dtype to, tg_scalar *out);

#endif
