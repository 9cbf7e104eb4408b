/* Shared by schedule.c, schedule_check.c and schedule_legal.c: one assignment of a schedule, resolved. */
#ifndef TG_PARSER_SCHEDULE_INTERNAL_H
#define TG_PARSER_SCHEDULE_INTERNAL_H

#include "dsl/parser/rules.h"

typedef enum tg_sched_args {
    TG_SA_NONE,
    TG_SA_AXIS,
    TG_SA_AXIS_OPT,
    TG_SA_AXES,
    TG_SA_TENSOR,
    TG_SA_TILE
} tg_sched_args;
typedef enum tg_sched_value {
    TG_SV_INT,
    TG_SV_BOOL,
    TG_SV_WORD,
    TG_SV_INT_OR_WORD,
    TG_SV_INTS,
    TG_SV_AXES
} tg_sched_value;

typedef struct tg_sched_param {
    const char *key;
    tg_sched_args args;
    tg_sched_value value;
    const char *words, *doc;
} tg_sched_param;

/* Row of schedule.def, or null. */
const tg_sched_param *tg_sched_param_find(const char *key);

/* A name of a schedule: an axis, or an `each` scalar of a grid or loop. */
typedef struct tg_sched_place {
    tg_axis *axis; /* or */
    const tg_value *each;
    const tg_op *binder;
} tg_sched_place;
typedef TG_VEC(tg_sched_place) tg_sched_places;

typedef struct tg_sched {
    const tg_sig_env *env;
    const tg_func *func;
    const tg_signature *sig;
    tg_sched_places places; /* everything that has a name, in source order */
} tg_sched;

void tg_sched_open(tg_sched *s, const tg_sig_env *env, const tg_func *f,
                   const tg_signature *sig);
const char *tg_sched_place_name(const tg_sched_place *p);
/* Places of a name: in one phase if `phase`, the ordinal-th if `ordinal`. Reports E0702 if there is none. */
tg_sched_places tg_sched_resolve(const tg_sched *s, tg_name phase, tg_name name,
                                 int64_t ordinal, tg_span span);

/* One target with one value is legal: E0701, E0702. */
bool tg_sched_check_setting(const tg_sched *s, const tg_sched_target *t,
                            const tg_tvalue *value);
bool tg_sched_check_item(const tg_sched *s, const tg_item *item);

/* Null if a loop or full axis only accumulates (with associative operations), else what stands against it. */
const char *tg_sched_not_accumulating(const tg_sched *s, const tg_axis *axis);
/* Null if this order of grid binders respects their domains, else the reason. */
const char *tg_sched_bad_order(const tg_sched *s, const tg_tvalue *value);

#endif
